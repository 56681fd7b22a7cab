# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 the cleversync authors

"""cluster.py YAML DIRECTORY: whether the parts of an example for Kubernetes
fit together; its settings for cleversync go into DIRECTORY."""

import configparser
import sys
import yaml

with open(sys.argv[1], encoding="utf-8") as file:
    parts = {part["kind"]: part for part in yaml.safe_load_all(file)}

settings = parts["ConfigMap"]["data"]
pods = parts["Deployment"]["spec"]
pod = pods["template"]["spec"]
labels = pods["template"]["metadata"]["labels"]
[container] = pod["containers"]
ports = {port["name"]: port["containerPort"] for port in container["ports"]}
volumes = {volume["name"]: volume for volume in pod["volumes"]}
mounts = {mount["mountPath"]: mount["name"]
          for mount in container["volumeMounts"]}

config = configparser.ConfigParser(interpolation=None)
config.read_string(settings["cluster.conf"])
address, port = config["health"]["listen"].rsplit(":", 1)

# Several share the work, and one always stays.
assert pods["replicas"] >= 2
assert parts["PodDisruptionBudget"]["spec"]["minAvailable"] < pods["replicas"]
for part in parts["PodDisruptionBudget"], parts["Deployment"]:
    assert part["spec"]["selector"]["matchLabels"] == labels
assert parts["Service"]["spec"]["selector"] == labels
assert pod["serviceAccountName"] == parts["ServiceAccount"]["metadata"]["name"]

# Probes and the service come from outside the pod, with TLS.
assert not address.startswith("127.")
assert ports["https"] == int(port)
assert parts["Service"]["spec"]["ports"][0]["targetPort"] in ports
for probe, path in ("livenessProbe", "/health/live"), \
        ("readinessProbe", "/health/ready"):
    assert container[probe]["httpGet"] == {
        "path": path, "port": "https", "scheme": "HTTPS"}

# Every volume is mounted, and every file that is named is on one.
assert sorted(mounts.values()) == sorted(volumes)
for volume in volumes.values():
    for item in volume.get("configMap", {}).get("items", []):
        assert item["key"] in settings
for path in config["health"]["tls_certificate"], config["health"]["tls_key"], \
        container["env"][0]["value"]:
    assert path.rsplit("/", 1)[0] in mounts
assert mounts["/etc/cleversync/conf.d"] == "settings"

# Secrets are for the user's group; nothing else is written or allowed.
for name in "secrets", "tls":
    assert volumes[name]["secret"]["defaultMode"] == 0o440
assert pod["securityContext"]["runAsNonRoot"]
assert pod["securityContext"]["fsGroup"] == \
    pod["securityContext"]["runAsGroup"]
assert container["securityContext"]["readOnlyRootFilesystem"]
assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}

with open(sys.argv[2] + "/cluster.conf", "w", encoding="utf-8") as file:
    file.write(settings["cluster.conf"])

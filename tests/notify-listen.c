/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* notify-listen PATH: what is sent to the notify socket PATH, a line for each
 * assignment, and "--" behind each message.  For tests. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char message[4096];
    ssize_t length;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path))
        return 2;
    strcpy(address.sun_path, argv[1]);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        perror("notify-listen");
        return 1;
    }
    while ((length = recv(fd, message, sizeof(message), 0)) >= 0) {
        printf("%.*s\n--\n", (int)length, message);
        fflush(stdout);
    }
    close(fd);
    return 1;
}

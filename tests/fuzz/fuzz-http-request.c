/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 the cleversync authors */

/* Requests to the daemon's HTTP server, from where the HTTP library hands them
 * over to where its rooms begin: both are played here.  First line bits, second
 * line method and target, then header fields up to an empty line, then the
 * body.  A cookie or second word "@" stands for the one that somebody signed in
 * with.
 *
 * Only who may gets in, only a page of ours or the API key changes anything,
 * every reply is whole, and none shows a secret. */

#include "config.h"

#include "../../core/web/web-server.c"

#include "base/cancel.h"
#include "base/log.h"
#include "daemon/runs.h"
#include "daemon/schedule.h"
#include "fuzz.h"
#include "metrics/metrics.h"
#include "web/web-inside.h"

#define MARK "Zq7x" /* a piece of both secrets */
#define KEY MARK "Key"
#define PASSWORD MARK "Password"

enum { TLS = 1, PUBLIC = 2, AWAY = 4, ALL = 7, FIELDS = 32 };

struct field {
    char *name, *value;
};

/* A request that is under way, and what is known of it. */
static struct play {
    unsigned long bits;
    char *method, *target;
    struct field fields[FIELDS];
    size_t nfields;
    char cookie[CS_WEB_SIGN_WORD], csrf[CS_WEB_SIGN_WORD];
    bool has_key, is_person, is_ours;
    struct line *line;
    size_t replies;
    unsigned status;
    bool json;
} play;

/* ---- The HTTP library ---------------------------------------------------- */

static const char *value_of(const char *name)
{
    for (size_t i = 0; i < play.nfields; i++)
        if (strcasecmp(play.fields[i].name, name) == 0)
            return play.fields[i].value;
    return NULL;
}

static const char *session_of(void)
{
    static char value[128];
    const char *name = play.bits & TLS ? "__Host-cleversync=" : "cleversync=";
    const char *all = value_of("Cookie");

    if (all == NULL || strncmp(all, name, strlen(name)) != 0)
        return NULL;
    all += strlen(name);
    if (strcmp(all, "@") == 0)
        return play.cookie;
    snprintf(value, sizeof(value), "%s", all);
    return value;
}

const char *MHD_lookup_connection_value(struct MHD_Connection *connection,
                                        enum MHD_ValueKind kind,
                                        const char *name)
{
    const char *value;

    (void)connection;
    if (kind == MHD_COOKIE_KIND)
        return session_of();
    value = value_of(name);
    if (value != NULL && strcmp(name, "X-CSRF-Token") == 0 &&
        strcmp(value, "@") == 0)
        return play.csrf;
    return value;
}

const union MHD_ConnectionInfo *
MHD_get_connection_info(struct MHD_Connection *connection,
                        enum MHD_ConnectionInfoType type, ...)
{
    static struct sockaddr_in address = {.sin_family = AF_INET};
    static union MHD_ConnectionInfo info;

    (void)connection;
    if (type == MHD_CONNECTION_INFO_SOCKET_CONTEXT)
        info.socket_context = play.line;
    else if (type == MHD_CONNECTION_INFO_CONNECTION_FD)
        info.connect_fd = -1;
    else
        info.client_addr = (struct sockaddr *)(void *)&address;
    return &info;
}

struct MHD_Response {
    char *body;
    size_t size;
    bool owned;
};

struct MHD_Response *
MHD_create_response_from_buffer(size_t size, void *buffer,
                                enum MHD_ResponseMemoryMode mode)
{
    struct MHD_Response *response = cs_memory_new(sizeof(*response));

    response->body = buffer;
    response->size = size;
    response->owned = mode == MHD_RESPMEM_MUST_FREE;
    play.json = false;
    return response;
}

enum MHD_Result MHD_add_response_header(struct MHD_Response *response,
                                        const char *name, const char *value)
{
    (void)response;
    for (const char *c = value; *c != '\0'; c++)
        FUZZ_HOLDS((unsigned char)*c >= ' ' && *c != 0x7F);
    FUZZ_HOLDS(strstr(value, MARK) == NULL);
    if (strcmp(name, "Content-Type") == 0)
        play.json = strncmp(value, "application/json", 16) == 0;
    return MHD_YES;
}

static bool is_status(unsigned status)
{
    static const unsigned known[] = {200, 202, 400, 401, 403,
                                     404, 405, 409, 413, 503};

    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (known[i] == status)
            return true;
    return false;
}

enum MHD_Result MHD_queue_response(struct MHD_Connection *connection,
                                   unsigned status,
                                   struct MHD_Response *response)
{
    json_t *whole;

    (void)connection;
    FUZZ_HOLDS(play.replies++ == 0);
    FUZZ_HOLDS(is_status(status) && response->body != NULL);
    play.status = status;
    if (strstr(play.target, MARK) == NULL)
        FUZZ_HOLDS(memmem(response->body, response->size, MARK, strlen(MARK)) ==
                   NULL);
    if (!play.json)
        return MHD_YES;
    whole = json_loadb(response->body, response->size, 0, NULL);
    FUZZ_HOLDS(json_is_object(whole));
    FUZZ_HOLDS(status < 400 || status == 503 ||
               json_is_string(json_object_get(whole, "error")));
    json_decref(whole);
    return MHD_YES;
}

void MHD_destroy_response(struct MHD_Response *response)
{
    if (response->owned)
        free(response->body);
    free(response);
}

/* Nothing listens. */

struct MHD_Daemon *MHD_start_daemon(unsigned flags, uint16_t port,
                                    MHD_AcceptPolicyCallback policy,
                                    void *policy_arg,
                                    MHD_AccessHandlerCallback handler,
                                    void *handler_arg, ...)
{
    (void)flags;
    (void)port;
    (void)policy;
    (void)policy_arg;
    (void)handler;
    (void)handler_arg;
    return NULL;
}

void MHD_stop_daemon(struct MHD_Daemon *daemon)
{
    (void)daemon;
}

const union MHD_DaemonInfo *MHD_get_daemon_info(struct MHD_Daemon *daemon,
                                                enum MHD_DaemonInfoType type,
                                                ...)
{
    (void)daemon;
    (void)type;
    return NULL;
}

struct cs_web_patience *cs_web_patience_new(size_t most)
{
    (void)most;
    return NULL;
}

void cs_web_patience_free(struct cs_web_patience *patience)
{
    (void)patience;
}

struct cs_web_wait *cs_web_patience_add(struct cs_web_patience *patience,
                                        int socket)
{
    (void)patience;
    (void)socket;
    return NULL;
}

void cs_web_patience_remove(struct cs_web_patience *patience,
                            struct cs_web_wait *wait)
{
    (void)patience;
    (void)wait;
}

void cs_web_patience_rest(struct cs_web_patience *patience,
                          struct cs_web_wait *wait)
{
    (void)patience;
    (void)wait;
}

void cs_web_patience_begin(struct cs_web_patience *patience,
                           struct cs_web_wait *wait)
{
    (void)patience;
    (void)wait;
}

/* ---- The rooms that are asked -------------------------------------------- */

static void inside_holds(void)
{
    FUZZ_HOLDS(play.has_key || play.is_person);
}

static void change_holds(void)
{
    FUZZ_HOLDS(strcmp(play.method, "POST") == 0);
    FUZZ_HOLDS(play.has_key || (play.is_person && play.is_ours));
}

static void probe_holds(void)
{
    if (play.bits & PUBLIC)
        inside_holds();
}

enum cs_rc cs_web_secret_key(struct cs_web_secret *secret, const char *key,
                             struct cs_error *error)
{
    (void)secret;
    (void)error;
    return strcmp(key, KEY) == 0 ? CS_OK : CS_E_AUTH;
}

enum cs_rc cs_web_secret_password(struct cs_web_secret *secret,
                                  const char *password, struct cs_error *error)
{
    (void)secret;
    if (play.bits & AWAY)
        return cs_error_set(error, CS_E_RETRY, "the secrets are away");
    return strcmp(password, PASSWORD) == 0 ? CS_OK : CS_E_AUTH;
}

static struct cs_web_picture picture;

static void make_picture(void)
{
    picture.districts = json_pack("[{ss}]", "district_id", "d1");
    picture.schools = json_pack("[{ss ss sb} {ss ss sb}]", "school_id", "s1",
                                "district_id", "d1", "active", 1, "school_id",
                                "s2", "district_id", "d1", "active", 0);
    picture.holds = json_array();
    picture.rejects = json_pack("[{ss}]", "school_id", "s1");
}

enum cs_rc cs_web_data_look(struct cs_web_data *data,
                            struct cs_web_picture **look,
                            struct cs_error *error)
{
    (void)data;
    inside_holds();
    if (play.bits & AWAY)
        return cs_error_set(error, CS_E_RETRY, "the database is away");
    *look = &picture;
    return CS_OK;
}

enum cs_rc cs_web_data_look_anew(struct cs_web_data *data,
                                 struct cs_web_picture **look,
                                 struct cs_error *error)
{
    return cs_web_data_look(data, look, error);
}

void cs_web_data_return(struct cs_web_data *data, struct cs_web_picture *look)
{
    (void)data;
    FUZZ_HOLDS(look == &picture);
}

static bool is_name(const char *text)
{
    return text != NULL && *text != '\0' &&
           text[strspn(text, "0123456789_-abcdefghijklmnopqrstuvwxyz"
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] == '\0';
}

enum cs_rc cs_web_data_change(struct cs_web_data *data,
                              struct cs_web_change_request *request,
                              struct cs_error *error)
{
    (void)data;
    inside_holds();
    FUZZ_HOLDS(is_name(request->id));
    if (request->what != CS_WEB_KEYS)
        change_holds();
    if (play.bits & AWAY)
        return cs_error_set(error, CS_E_RETRY, "the database is away");
    if (strcmp(request->id, "s1") != 0)
        return cs_error_set(error, CS_E_NOT_HERE, "there is no such thing");
    if (request->what == CS_WEB_KEYS)
        request->result = json_array();
    return CS_OK;
}

enum cs_rc cs_runs_start(struct cs_runs *runs,
                         const struct cs_runs_request *request,
                         char id[CS_RUN_ID], struct cs_error *error)
{
    (void)runs;
    inside_holds();
    change_holds();
    FUZZ_HOLDS(request->school == NULL || strcmp(request->school, "s1") == 0);
    FUZZ_HOLDS(request->district == NULL ||
               strcmp(request->district, "d1") == 0);
    FUZZ_HOLDS((request->cause == CS_RUNS_PAGE) == !play.has_key);
    if (request->full)
        return cs_error_set(error, CS_E_BUSY, "a run is on");
    snprintf(id, CS_RUN_ID, "r1");
    return CS_OK;
}

json_t *cs_runs_list(struct cs_runs *runs)
{
    (void)runs;
    inside_holds();
    return json_pack("[{ss ss}]", "id", "r1", "state", "running");
}

json_t *cs_runs_show(struct cs_runs *runs, const char *id)
{
    (void)runs;
    inside_holds();
    FUZZ_HOLDS(is_name(id));
    return strcmp(id, "r1") == 0
               ? json_pack("{ss s[{ss ss}]}", "id", "r1", "schools", "id", "s1",
                           "state", "running")
               : NULL;
}

struct cs_app *cs_generations_borrow(struct cs_generations *generations)
{
    static struct cs_app app;

    (void)generations;
    return &app;
}

void cs_generations_return(struct cs_generations *generations,
                           struct cs_app *app)
{
    (void)generations;
    (void)app;
}

struct cs_notify *cs_generations_notify(struct cs_app *app)
{
    (void)app;
    return NULL;
}

const char *cs_settings_text(const struct cs_settings *settings,
                             const char *section, const char *key)
{
    (void)settings;
    (void)section;
    return key;
}

void cs_schedule_look(struct cs_schedule *schedule,
                      struct cs_schedule_state *state)
{
    (void)schedule;
    probe_holds();
    *state = (struct cs_schedule_state){.next = 0};
}

json_t *cs_health_show(struct cs_health *health, enum cs_health_which which,
                       enum cs_health_state *state)
{
    (void)health;
    if (which != CS_HEALTH_LIVE && which != CS_HEALTH_READY)
        probe_holds();
    *state = play.bits & AWAY ? CS_HEALTH_UNHEALTHY : CS_HEALTH_HEALTHY;
    return json_object();
}

char *cs_metrics_text(struct cs_metrics *metrics,
                      const struct cs_metrics_rooms *rooms,
                      enum cs_metrics_format format)
{
    (void)metrics;
    (void)rooms;
    (void)format;
    probe_holds();
    return cs_memory_text("# EOF\n");
}

/* ---- A request ----------------------------------------------------------- */

static void read_fields(struct fuzz_input *input)
{
    char *line = fuzz_line(input);

    while (*line != '\0' && play.nfields < FIELDS) {
        char *colon = strchr(line, ':');

        if (colon != NULL) {
            *colon++ = '\0';
            colon += strspn(colon, " \t");
            play.fields[play.nfields].name = line;
            play.fields[play.nfields++].value = colon;
        } else {
            free(line);
        }
        line = fuzz_line(input);
    }
    free(line);
}

/* What our own reading of the request says, in short. */
static void judge(void)
{
    const char *authorization = value_of("Authorization");
    const char *session = session_of(), *csrf = value_of("X-CSRF-Token");
    const char *site = value_of("Sec-Fetch-Site"), *origin = value_of("Origin");

    if (authorization != NULL && strncasecmp(authorization, "bearer ", 7) == 0)
        play.has_key =
            strcmp(authorization + 7 + strspn(authorization + 7, " "), KEY) ==
            0;
    play.is_person = authorization == NULL && session == play.cookie;
    play.is_ours = csrf != NULL && strcmp(csrf, "@") == 0 &&
                   (site != NULL ? strcmp(site, "same-origin") == 0
                                 : origin == NULL || value_of("Host") != NULL);
}

static void send_request(struct cs_web_server *server, struct fuzz_input *body)
{
    struct MHD_Connection *connection = NULL;
    unsigned seed = (unsigned)body->size;
    enum MHD_Result result;
    void *place = NULL;

    note_connection(server, connection, (void **)&play.line,
                    MHD_CONNECTION_NOTIFY_STARTED);
    note_target(server, play.target, connection);
    for (bool last = false; !last && play.replies == 0;) {
        size_t n = body->size > 0 ? 1 + fuzz_random(&seed, 4096) : 0;
        bool first = place == NULL;

        n = first ? 0 : n < body->size ? n : body->size;
        last = !first && n == 0;
        body->at += n;
        body->size -= n;
        result = handle(server, connection, "/", play.method, "HTTP/1.1",
                        body->at - n, &n, &place);
        FUZZ_HOLDS(n == 0);
        if (result == MHD_NO)
            break;
        FUZZ_HOLDS(!last || play.replies == 1);
    }
    forget_call(server, connection, &place, MHD_REQUEST_TERMINATED_WITH_ERROR);
    FUZZ_HOLDS(place == NULL);
    note_connection(server, connection, (void **)&play.line,
                    MHD_CONNECTION_NOTIFY_CLOSED);
}

static void serve(struct fuzz_input *body)
{
    struct cs_web web = {
        .loopback = !(play.bits & PUBLIC),
        .tls = play.bits & TLS,
        .sign = cs_web_sign_new(),
        .limit = cs_web_limit_new(),
        .cancel = cs_cancel_new(NULL, 0),
    };
    struct cs_web_server server = {
        .answer = cs_web_route, .web = &web, .tls = web.tls};

    FUZZ_HOLDS(cs_web_sign_in(web.sign, play.cookie, play.csrf));
    cs_cancel_now(web.cancel); /* nobody is held back */
    judge();
    send_request(&server, body);
    FUZZ_HOLDS(web.signing_in == 0);
    cs_web_sign_free(web.sign);
    cs_web_limit_free(web.limit);
    cs_cancel_free(web.cancel);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fuzz_input input = {(const char *)bytes, size};
    char *blank;

    if (picture.schools == NULL) {
        make_picture();
        cs_log_setup(CS_LOG_ERROR, CS_LOG_TEXT);
    }
    play = (struct play){.bits = fuzz_number(&input, ALL)};
    play.method = fuzz_line(&input);
    blank = strchr(play.method, ' ');
    play.target = blank != NULL ? blank + 1 : play.method + strlen(play.method);
    if (blank != NULL)
        *blank = '\0';
    read_fields(&input);
    serve(&input);
    for (size_t i = 0; i < play.nfields; i++)
        free(play.fields[i].name);
    free(play.method);
    return 0;
}

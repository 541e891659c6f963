/* Many viewers of an MJPEG stream in one thread: how many frames each got, how old they were, how many it missed.
 *
 *     viewers --port PORT --path PATH [--viewers N] [--stalled N] [--seconds S] [--settle S] [--rate BYTES] [--tls]
 *
 * After `settle` seconds it prints `counting`, `seconds` later one line of JSON. The age of a frame and its number are
 * taken from `sequence=` and `monotonic_ns=` in a comment segment of its JPEG, which the simulated camera writes when
 * it captures: the same measure for every server. `stalled` viewers ask and never read. With `rate`, each viewer reads
 * so many bytes a second and no more, as over a slow link. Loopback only.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEAD = 4096, CHUNK = 1 << 18, STAMP_WITHIN = 256, MOST_RATE = 70, SLOW_BUFFER = 65536 };

static const double TICK = 0.005; /* s between the reads of viewers with a rate */

struct viewer {
    int fd;
    SSL *tls;
    char head[HEAD];     /* header lines not yet complete, then the first bytes of the JPEG */
    size_t head_length;
    size_t body_left;    /* bytes of the current JPEG still to come */
    size_t body_seen;    /* how many of its first bytes are in `head` */
    int is_begun;        /* the head of the response has come, and was good */
    int in_body;
    int is_gone;
    double may_read;     /* bytes, with a rate */
    long frames, lost;
    long long sequence;  /* of the last frame; 0 before the first that was counted */
};

static int port = 8000, count = 1, stalled = 0, use_tls = 0;
static const char *path = "/stream";
static double seconds = 5, settle = 1.5, rate = 0;

static double *ages;
static size_t age_count, age_room;
static long long total_bytes, body_bytes;
static int counting;
static SSL_CTX *context;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static void fail(const char *what, const char *why) {
    fprintf(stderr, "viewers: %s: %s\n", what, why);
    exit(1);
}

static void ask(struct viewer *viewer, int slow) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int size = SLOW_BUFFER;
    viewer->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (viewer->fd < 0) fail("socket", strerror(errno));
    if (slow) setsockopt(viewer->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (connect(viewer->fd, (struct sockaddr *)&address, sizeof address) < 0) fail("connect", strerror(errno));
    char request[512];
    int length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", path, port);
    if (use_tls) {
        viewer->tls = SSL_new(context);
        SSL_set_fd(viewer->tls, viewer->fd);
        if (SSL_connect(viewer->tls) != 1) fail("connect", "no TLS handshake");
        if (SSL_write(viewer->tls, request, length) != length) fail("request", "not sent");
    } else if (write(viewer->fd, request, length) != length) {
        fail("request", strerror(errno));
    }
    fcntl(viewer->fd, F_SETFL, O_NONBLOCK);
}

/* Take number and capture time of the frame whose first bytes are in `head`. */
static void take_stamp(struct viewer *viewer) {
    char *number = memmem(viewer->head, viewer->body_seen, "sequence=", 9);
    char *time = memmem(viewer->head, viewer->body_seen, "monotonic_ns=", 13);
    if (!number || !time) return;
    long long sequence = strtoll(number + 9, NULL, 10);
    if (viewer->sequence && sequence > viewer->sequence) viewer->lost += sequence - viewer->sequence - 1;
    viewer->sequence = sequence;
    if (age_count < age_room) ages[age_count++] = now() - strtoull(time + 13, NULL, 10) / 1e9;
}

/* The frame is complete. */
static void count_frame(struct viewer *viewer) {
    viewer->in_body = 0;
    viewer->head_length = 0;
    if (!counting) return;
    viewer->frames++;
    take_stamp(viewer);
}

/* Take bytes of header lines until the empty line; return how many were taken. */
static size_t take_head(struct viewer *viewer, const char *data, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (viewer->head_length == HEAD - 1) viewer->head_length = 0;
        viewer->head[viewer->head_length++] = data[i];
        if (viewer->head_length < 4 || memcmp(viewer->head + viewer->head_length - 4, "\r\n\r\n", 4)) continue;
        viewer->head[viewer->head_length] = 0;
        viewer->head_length = 0;
        if (!viewer->is_begun) {
            viewer->head[strcspn(viewer->head, "\r")] = 0;
            if (!strstr(viewer->head, " 200")) fail("the server answered", viewer->head);
            viewer->is_begun = 1;
            continue;
        }
        char *field = strcasestr(viewer->head, "Content-Length:");
        if (!field) continue; /* an empty line between parts */
        viewer->body_left = strtoul(field + 15, NULL, 10);
        viewer->body_seen = 0;
        viewer->in_body = viewer->body_left > 0;
        if (counting) body_bytes += viewer->body_left;
        return i + 1;
    }
    return length;
}

static size_t take_body(struct viewer *viewer, const char *data, size_t length) {
    size_t taken = length < viewer->body_left ? length : viewer->body_left;
    if (viewer->body_seen < STAMP_WITHIN) {
        size_t kept = STAMP_WITHIN - viewer->body_seen;
        if (kept > taken) kept = taken;
        memcpy(viewer->head + viewer->body_seen, data, kept);
        viewer->body_seen += kept;
    }
    viewer->body_left -= taken;
    if (viewer->body_left == 0) count_frame(viewer);
    return taken;
}

/* Read once; return how many bytes came, 0 when there are none now. */
static size_t receive_some(struct viewer *viewer, size_t most) {
    static char chunk[CHUNK];
    if (most > sizeof chunk) most = sizeof chunk;
    ssize_t got;
    if (viewer->tls) {
        got = SSL_read(viewer->tls, chunk, most);
        if (got <= 0 && SSL_get_error(viewer->tls, got) == SSL_ERROR_WANT_READ) return 0;
    } else {
        got = recv(viewer->fd, chunk, most, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    }
    if (got <= 0) {
        viewer->is_gone = 1;
        return 0;
    }
    if (counting) total_bytes += got;
    for (size_t at = 0; at < (size_t)got;) {
        size_t left = got - at;
        at += viewer->in_body ? take_body(viewer, chunk + at, left) : take_head(viewer, chunk + at, left);
    }
    return got;
}

static void receive(int poll, struct viewer *viewer) {
    do {
        receive_some(viewer, CHUNK);
    } while (viewer->tls && !viewer->is_gone && SSL_pending(viewer->tls));
    if (viewer->is_gone) epoll_ctl(poll, EPOLL_CTL_DEL, viewer->fd, NULL);
}

static void receive_slowly(struct viewer *viewers, double elapsed) {
    for (int i = 0; i < count; i++) {
        struct viewer *viewer = &viewers[i];
        viewer->may_read += rate * elapsed;
        if (viewer->may_read > rate * 10 * TICK) viewer->may_read = rate * 10 * TICK;
        while (viewer->may_read >= 1 && !viewer->is_gone) {
            size_t got = receive_some(viewer, viewer->may_read);
            if (!got) break;
            viewer->may_read -= got;
        }
    }
}

static void watch(int poll, struct viewer *viewers, double until) {
    struct epoll_event ready[512];
    double before = now();
    while (now() < until) {
        int found = epoll_wait(poll, ready, 512, rate ? 5 : 100);
        for (int i = 0; i < found; i++) receive(poll, ready[i].data.ptr);
        if (rate) {
            double time = now();
            receive_slowly(viewers, time - before);
            before = time;
        }
    }
}

static int by_value(const void *left, const void *right) {
    double difference = *(const double *)left - *(const double *)right;
    return (difference > 0) - (difference < 0);
}

/* Print a percentile of the ages, `null` where no frame told its age. */
static void print_age(const char *name, double part) {
    if (age_count) printf(", \"%s\": %.2f", name, ages[(size_t)(part * (age_count - 1))] * 1e3);
    else printf(", \"%s\": null", name);
}

static void report(struct viewer *viewers, double took) {
    long frames = 0, least = viewers[0].frames, lost = 0, most_lost = 0;
    int gone = 0;
    for (int i = 0; i < count; i++) {
        frames += viewers[i].frames;
        lost += viewers[i].lost;
        gone += viewers[i].is_gone;
        if (viewers[i].frames < least) least = viewers[i].frames;
        if (viewers[i].lost > most_lost) most_lost = viewers[i].lost;
    }
    qsort(ages, age_count, sizeof *ages, by_value);
    printf("{\"viewers\": %d, \"seconds\": %.3f, \"frames\": %ld, \"fps_mean\": %.3f, \"fps_least\": %.3f", count, took,
           frames, frames / took / count, least / took);
    printf(", \"lost\": %ld, \"lost_most\": %ld, \"gone\": %d, \"megabytes_per_second\": %.1f, \"bytes_per_frame\": %.0f",
           lost, most_lost, gone, total_bytes / took / 1e6, frames ? (double)body_bytes / frames : 0.0);
    print_age("age_p50_ms", 0.5);
    print_age("age_p95_ms", 0.95);
    print_age("age_p99_ms", 0.99);
    printf("}\n");
}

static void parse(int argc, char **argv) {
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},    {"path", required_argument, NULL, 'u'},
        {"viewers", required_argument, NULL, 'v'}, {"stalled", required_argument, NULL, 'x'},
        {"seconds", required_argument, NULL, 's'}, {"settle", required_argument, NULL, 'w'},
        {"rate", required_argument, NULL, 'r'},    {"tls", no_argument, NULL, 't'},
        {NULL, 0, NULL, 0},
    };
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'p': port = atoi(optarg); break;
        case 'u': path = optarg; break;
        case 'v': count = atoi(optarg); break;
        case 'x': stalled = atoi(optarg); break;
        case 's': seconds = atof(optarg); break;
        case 'w': settle = atof(optarg); break;
        case 'r': rate = atof(optarg); break;
        case 't': use_tls = 1; break;
        default: exit(2);
        }
    }
    if (optind < argc || count < 1 || stalled < 0 || seconds <= 0) fail("usage", "see the first lines of viewers.c");
}

int main(int argc, char **argv) {
    parse(argc, argv);
    if (use_tls && !(context = SSL_CTX_new(TLS_client_method()))) fail("TLS", "not available");
    struct viewer *viewers = calloc(count + stalled, sizeof *viewers);
    age_room = (size_t)(count * (seconds + 1) * MOST_RATE);
    ages = malloc(age_room * sizeof *ages);
    int poll = epoll_create1(0);
    for (int i = 0; i < count + stalled; i++) {
        ask(&viewers[i], rate > 0);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &viewers[i]};
        if (i < count && !rate) epoll_ctl(poll, EPOLL_CTL_ADD, viewers[i].fd, &event);
    }
    watch(poll, viewers, now() + settle);
    printf("counting\n");
    fflush(stdout);
    counting = 1;
    double began = now();
    watch(poll, viewers, began + seconds);
    report(viewers, now() - began);
    return 0;
}

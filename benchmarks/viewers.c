/* Many viewers of an MJPEG stream in one thread: how many frames each got, and how old they were.
 *
 *     viewers PORT PATH VIEWERS SECONDS
 *
 * prints one line of JSON. The age of a frame is taken from `monotonic_ns=` in a comment segment of its JPEG, which
 * the simulated camera writes when it captures: the same measure for every server. Loopback only.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEAD = 4096, CHUNK = 1 << 18, STAMP_WITHIN = 256 };

struct viewer {
    int fd;
    char head[HEAD];        /* header lines not yet complete, then the first bytes of the JPEG */
    size_t head_length;
    size_t body_left;       /* bytes of the current JPEG still to come */
    size_t body_seen;       /* how many of its first bytes are in `head` */
    int in_body;
    long frames;
};

static double *ages;
static size_t age_count, age_room;
static long long total_bytes;
static int counting;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int connect_viewer(int port, const char *path) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
    char request[512];
    int length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", path, port);
    if (write(fd, request, length) != length) fail("request");
    return fd;
}

static void take_age(struct viewer *viewer) {
    char *mark = memmem(viewer->head, viewer->body_seen, "monotonic_ns=", 13);
    if (!mark || age_count >= age_room) return;
    ages[age_count++] = now() - strtoull(mark + 13, NULL, 10) / 1e9;
}

/* The frame is complete. */
static void count_frame(struct viewer *viewer) {
    viewer->in_body = 0;
    viewer->head_length = 0;
    if (!counting) return;
    viewer->frames++;
    take_age(viewer);
}

/* Take bytes of header lines until the empty line; return how many were taken. */
static size_t take_head(struct viewer *viewer, const char *data, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (viewer->head_length == HEAD - 1) viewer->head_length = 0;
        viewer->head[viewer->head_length++] = data[i];
        if (viewer->head_length < 4 || memcmp(viewer->head + viewer->head_length - 4, "\r\n\r\n", 4)) continue;
        viewer->head[viewer->head_length] = 0;
        char *field = strcasestr(viewer->head, "\nContent-Length:");
        viewer->head_length = 0;
        if (!field) continue; /* the head of the response itself, or an empty line between parts */
        viewer->body_left = strtoul(field + 16, NULL, 10);
        viewer->body_seen = 0;
        viewer->in_body = viewer->body_left > 0;
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

static void receive(struct viewer *viewer) {
    static char chunk[CHUNK];
    ssize_t got = recv(viewer->fd, chunk, sizeof chunk, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) fail("a viewer was disconnected");
    if (counting) total_bytes += got;
    for (size_t at = 0; at < (size_t)got;) {
        size_t left = got - at;
        at += viewer->in_body ? take_body(viewer, chunk + at, left) : take_head(viewer, chunk + at, left);
    }
}

static void watch(int poll, double until) {
    struct epoll_event ready[512];
    while (now() < until) {
        int count = epoll_wait(poll, ready, 512, 100);
        for (int i = 0; i < count; i++) receive(ready[i].data.ptr);
    }
}

static int by_value(const void *left, const void *right) {
    double difference = *(const double *)left - *(const double *)right;
    return (difference > 0) - (difference < 0);
}

static double percentile(double part) {
    return age_count ? ages[(size_t)(part * (age_count - 1))] * 1e3 : -1;
}

int main(int argc, char **argv) {
    if (argc != 5) {
        fprintf(stderr, "usage: viewers PORT PATH VIEWERS SECONDS\n");
        return 2;
    }
    int port = atoi(argv[1]), count = atoi(argv[3]);
    double seconds = atof(argv[4]);
    struct viewer *viewers = calloc(count, sizeof *viewers);
    age_room = (size_t)(count * (seconds + 1) * 70);
    ages = malloc(age_room * sizeof *ages);
    int poll = epoll_create1(0);
    for (int i = 0; i < count; i++) {
        viewers[i].fd = connect_viewer(port, argv[2]);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &viewers[i]};
        epoll_ctl(poll, EPOLL_CTL_ADD, viewers[i].fd, &event);
    }
    watch(poll, now() + 1.5);
    printf("counting\n");
    fflush(stdout);
    counting = 1;
    double began = now();
    watch(poll, began + seconds);
    double took = now() - began;
    long frames = 0, least = viewers[0].frames;
    for (int i = 0; i < count; i++) {
        frames += viewers[i].frames;
        if (viewers[i].frames < least) least = viewers[i].frames;
    }
    qsort(ages, age_count, sizeof *ages, by_value);
    printf("{\"viewers\": %d, \"seconds\": %.3f, \"frames\": %ld, \"fps_mean\": %.2f, \"fps_least\": %.2f, "
           "\"megabytes_per_second\": %.1f, \"age_p50_ms\": %.2f, \"age_p99_ms\": %.2f}\n",
           count, took, frames, frames / took / count, least / took, total_bytes / took / 1e6, percentile(0.5),
           percentile(0.99));
    return 0;
}

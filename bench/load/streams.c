/*
 * Reads many event streams at once, and says how late each event of a paced upstream was: one thread, epoll.
 * Usage: streams <port> <connections> <streams on each, one after the other> <ms over which they begin> <limit in s>
 * The request comes on stdin as it is to be sent. Prints one JSON object:
 *   whole: streams that came to their [DONE] and to the end of their chunks; broken: all others
 *   events: those with a `"due":<µs, CLOCK_MONOTONIC>`; late_*: how long after that they were read, ms
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum part { HEAD, SIZE, DATA, DATA_END, TRAILER };
enum { LINE_BYTES = 8192, BUCKETS = 100000 };

struct stream {
  int fd, left, is_done;
  enum part part;
  size_t chunk, line_length;
  char line[LINE_BYTES];
  size_t size_length;
  char size_line[32];
};

static struct stream *streams;
static char request[65536];
static size_t request_bytes;
static int epoll, port, alive;
static long whole, broken, events, late[BUCKETS];
static int64_t latest;

static int64_t now_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static void ask(struct stream *s) {
  s->part = HEAD;
  s->line_length = 0;
  s->is_done = 0;
  if (send(s->fd, request, request_bytes, MSG_NOSIGNAL) < 0) perror("send");
}

static void open_stream(struct stream *s) {
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int one = 1;
  s->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(s->fd, (void *)&address, sizeof address) != 0) {
    perror("connect");
    exit(1);
  }
  setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = s};
  epoll_ctl(epoll, EPOLL_CTL_ADD, s->fd, &event);
  ask(s);
}

static void end_stream(struct stream *s, int is_whole, int is_closed) {
  if (is_whole) whole++;
  else broken++;
  s->left--;
  if (s->left > 0 && !is_closed) {
    ask(s);
    return;
  }
  close(s->fd);
  s->fd = -1;
  if (s->left > 0) open_stream(s);
  else alive--;
}

static void read_line(struct stream *s) {
  s->line[s->line_length] = 0;
  s->line_length = 0;
  if (strncmp(s->line, "data: [DONE]", 12) == 0) s->is_done = 1;
  char *due = strstr(s->line, "\"due\":");
  if (due == NULL) return;
  events++;
  int64_t by = now_us() - strtoll(due + 6, NULL, 10);
  if (by < 0) by = 0;
  if (by > latest) latest = by;
  late[by / 100 < BUCKETS ? by / 100 : BUCKETS - 1]++;
}

static void take(struct stream *s, char byte) {
  if (s->line_length < LINE_BYTES - 1) s->line[s->line_length++] = byte;
}

/* Chunked coding, RFC 9112 section 7.1. Answers whether the stream is over. */
static int decode(struct stream *s, char byte) {
  switch (s->part) {
    case DATA:
      if (byte == '\n') read_line(s);
      else take(s, byte);
      if (--s->chunk == 0) s->part = DATA_END;
      return 0;
    case DATA_END:
      if (byte == '\n') s->part = SIZE;
      return 0;
    default:
      break;
  }
  /* Head, sizes and trailer are lines; of a body's line that a chunk cut, the part before stays in `line`. */
  if (s->part == SIZE) {
    if (byte != '\n') {
      if (s->size_length < sizeof s->size_line - 1) s->size_line[s->size_length++] = byte;
      return 0;
    }
    s->size_line[s->size_length] = 0;
    s->size_length = 0;
    s->chunk = strtoul(s->size_line, NULL, 16);
    s->part = s->chunk > 0 ? DATA : TRAILER;
    return 0;
  }
  if (byte != '\n') {
    if (byte != '\r') take(s, byte);
    return 0;
  }
  int is_blank = s->line_length == 0;
  s->line_length = 0;
  if (!is_blank) return 0;
  if (s->part == TRAILER) return 1;
  s->part = SIZE;
  return 0;
}

static void receive(struct stream *s) {
  static char bytes[65536];
  ssize_t got = recv(s->fd, bytes, sizeof bytes, MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) {
    end_stream(s, 0, 1);
    return;
  }
  for (ssize_t at = 0; at < got; at++) {
    if (!decode(s, bytes[at])) continue;
    end_stream(s, s->is_done, 0);
    return;
  }
}

static double late_ms(double quantile) {
  long wanted = (long)(quantile * events), seen = 0;
  for (int bucket = 0; bucket < BUCKETS; bucket++)
    if ((seen += late[bucket]) > wanted) return bucket / 10.0;
  return latest / 1000.0;
}

int main(int count, char **arguments) {
  if (count != 6) return 2;
  port = atoi(arguments[1]);
  int number = atoi(arguments[2]), each = atoi(arguments[3]);
  int64_t spread = atoll(arguments[4]) * 1000, began = now_us(), limit = atoll(arguments[5]) * 1000000;
  request_bytes = fread(request, 1, sizeof request, stdin);
  epoll = epoll_create1(0);
  streams = calloc(number, sizeof *streams);
  alive = number;
  int opened = 0;
  while (alive > 0 && now_us() - began < limit) {
    while (opened < number && now_us() - began >= spread * opened / number) {
      streams[opened].left = each;
      open_stream(&streams[opened++]);
    }
    struct epoll_event ready[256];
    int got = epoll_wait(epoll, ready, 256, opened < number ? 1 : 100);
    for (int index = 0; index < got; index++) receive(ready[index].data.ptr);
  }
  broken += alive;
  printf("{\"whole\":%ld,\"broken\":%ld,\"events\":%ld,\"seconds\":%.3f,"
         "\"late_p50\":%.1f,\"late_p99\":%.1f,\"late_max\":%.1f}\n",
      whole, broken, events, (now_us() - began) / 1e6, late_ms(0.5), late_ms(0.99), latest / 1000.0);
}

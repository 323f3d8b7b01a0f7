/*
 * A provider that is no bottleneck: one thread, epoll, canned answers. The first part of the path says which:
 *   /json/…   a chat completion of 1.1 KB, with usage
 *   /burst/…  an event stream, all of its events at once, each in a send of its own
 *   /paced/…  an event stream, one event every `pace` ms; each carries the time it was due, `"due":<µs, CLOCK_MONOTONIC>`
 *   /canned-N/…  the bytes of the Nth file, from 0
 * Usage: upstream <events of a stream> <pace in ms> [file…]. Prints its port, serves until it is killed.
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

enum { IN_BYTES = 256 * 1024, MAX_CONNECTIONS = 16384 };

struct connection {
  int fd, sent_events, generation;
  int64_t due;
  char *in, *out;
  size_t in_length, out_length, out_room;
};

/* Streams that wait for their next event, by due time: all have the same pace, so that this is a queue. */
struct waiting {
  struct connection *connection;
  int generation;
};

static struct connection *connections[MAX_CONNECTIONS];
static struct waiting queue[1 << 17];
static unsigned queue_head, queue_tail;
static int epoll, events_of_stream, pace_us;
static char json[4096], stream_head[512];
static char *canned[64];
static size_t canned_length[64];
static int canned_count;

static int64_t now_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static void watch(struct connection *c, int operation) {
  struct epoll_event event = {.events = EPOLLIN | (c->out_length > 0 ? EPOLLOUT : 0), .data.ptr = c};
  epoll_ctl(epoll, operation, c->fd, &event);
}

static void drop(struct connection *c) {
  close(c->fd);
  c->fd = -1;
  c->generation++;
  c->in_length = c->out_length = 0;
}

static void send_all(struct connection *c, const char *bytes, size_t length) {
  if (c->out_length == 0) {
    ssize_t sent = send(c->fd, bytes, length, MSG_NOSIGNAL);
    if (sent == (ssize_t)length) return;
    if (sent < 0 && errno != EAGAIN) return;
    if (sent > 0) bytes += sent, length -= sent;
  }
  if (c->out_length + length > c->out_room) {
    c->out_room = 2 * (c->out_length + length);
    c->out = realloc(c->out, c->out_room);
  }
  memcpy(c->out + c->out_length, bytes, length);
  c->out_length += length;
  watch(c, EPOLL_CTL_MOD);
}

static void flush(struct connection *c) {
  ssize_t sent = send(c->fd, c->out, c->out_length, MSG_NOSIGNAL);
  if (sent <= 0) return;
  c->out_length -= sent;
  memmove(c->out, c->out + sent, c->out_length);
  if (c->out_length == 0) watch(c, EPOLL_CTL_MOD);
}

/* One server-sent event as one chunk; the last comes with usage and the terminator. */
static void send_event(struct connection *c, int number, int64_t due) {
  char data[768], chunk[1024];
  int is_last = number == events_of_stream - 1;
  const char *common = "\"object\":\"chat.completion.chunk\",\"created\":1767225600,\"model\":\"bench\"";
  int length = snprintf(data, sizeof data,
      "data: {\"id\":\"chatcmpl-bench\",%s,\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word%d \"},"
      "\"finish_reason\":%s}],\"due\":%lld}\n\n",
      common, number, is_last ? "\"stop\"" : "null", (long long)due);
  if (is_last)
    length += snprintf(data + length, sizeof data - length,
        "data: {\"id\":\"chatcmpl-bench\",%s,\"choices\":[],\"usage\":{\"prompt_tokens\":24,"
        "\"completion_tokens\":%d,\"total_tokens\":%d}}\n\ndata: [DONE]\n\n",
        common, events_of_stream, 24 + events_of_stream);
  int total = snprintf(chunk, sizeof chunk, "%x\r\n%s\r\n%s", length, data, is_last ? "0\r\n\r\n" : "");
  send_all(c, chunk, total);
}

static void wait_for_pace(struct connection *c) {
  queue[queue_tail++ % (1 << 17)] = (struct waiting){c, c->generation};
}

static void answer(struct connection *c, const char *path) {
  if (strncmp(path, "/json/", 6) == 0) {
    send_all(c, json, strlen(json));
    return;
  }
  if (strncmp(path, "/canned-", 8) == 0) {
    int number = atoi(path + 8);
    if (number < canned_count) send_all(c, canned[number], canned_length[number]);
    return;
  }
  send_all(c, stream_head, strlen(stream_head));
  if (strncmp(path, "/burst/", 7) == 0) {
    for (int number = 0; number < events_of_stream; number++) send_event(c, number, now_us());
    return;
  }
  c->sent_events = 0;
  c->due = now_us() + pace_us;
  wait_for_pace(c);
}

/* Length of the request at the start of the buffer, 0 when it is not whole. */
static size_t request_length(struct connection *c) {
  c->in[c->in_length] = 0;
  char *head_end = strstr(c->in, "\r\n\r\n");
  if (head_end == NULL) return 0;
  size_t head = head_end + 4 - c->in;
  *head_end = 0;
  char *length = strcasestr(c->in, "\r\ncontent-length:");
  int is_chunked = strcasestr(c->in, "\r\ntransfer-encoding:") != NULL;
  size_t body = length != NULL ? strtoul(length + 17, NULL, 10) : 0;
  *head_end = '\r';
  if (is_chunked) {
    char *end = strstr(head_end, "\r\n0\r\n\r\n");
    return end == NULL ? 0 : (size_t)(end + 7 - c->in);
  }
  return c->in_length >= head + body ? head + body : 0;
}

static void receive(struct connection *c) {
  ssize_t got = recv(c->fd, c->in + c->in_length, IN_BYTES - 1 - c->in_length, 0);
  if (got == 0 || (got < 0 && errno != EAGAIN)) {
    drop(c);
    return;
  }
  if (got > 0) c->in_length += got;
  for (size_t length = request_length(c); length > 0; length = c->in_length > 0 ? request_length(c) : 0) {
    char *space = strchr(c->in, ' ');
    answer(c, space == NULL ? "" : space + 1);
    c->in_length -= length;
    memmove(c->in, c->in + length, c->in_length);
  }
}

static void accept_all(int listener) {
  for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (fd >= MAX_CONNECTIONS) {
      close(fd);
      continue;
    }
    if (connections[fd] == NULL) {
      connections[fd] = calloc(1, sizeof(struct connection));
      connections[fd]->in = malloc(IN_BYTES);
    }
    connections[fd]->fd = fd;
    connections[fd]->in_length = connections[fd]->out_length = 0;
    watch(connections[fd], EPOLL_CTL_ADD);
  }
}

/* Sends what is due; answers with the ms until more is, -1: nothing waits. */
static int send_due(void) {
  while (queue_head != queue_tail) {
    struct waiting next = queue[queue_head % (1 << 17)];
    struct connection *c = next.connection;
    if (c->generation == next.generation) {
      int64_t wait = c->due - now_us();
      if (wait > 0) return (wait + 999) / 1000;
      send_event(c, c->sent_events++, c->due);
      c->due += pace_us;
      if (c->sent_events < events_of_stream) wait_for_pace(c);
    }
    queue_head++;
  }
  return -1;
}

static void read_canned(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) exit(1);
  fseek(file, 0, SEEK_END);
  size_t length = ftell(file);
  rewind(file);
  canned[canned_count] = malloc(length);
  if (fread(canned[canned_count], 1, length, file) != length) exit(1);
  canned_length[canned_count++] = length;
  fclose(file);
}

int main(int count, char **arguments) {
  if (count < 3 || count > 3 + 64) return 2;
  for (int argument = 3; argument < count; argument++) read_canned(arguments[argument]);
  events_of_stream = atoi(arguments[1]);
  pace_us = atoi(arguments[2]) * 1000;
  char content[600];
  memset(content, 'w', sizeof content - 1);
  content[sizeof content - 1] = 0;
  char body[2048];
  int length = snprintf(body, sizeof body,
      "{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion\",\"created\":1767225600,\"model\":\"bench\",\"choices\":"
      "[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"%s\",\"refusal\":null},\"logprobs\":null,"
      "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":24,\"completion_tokens\":150,\"total_tokens\":174,"
      "\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":"
      "{\"reasoning_tokens\":0,\"audio_tokens\":0}},\"service_tier\":\"default\"}", content);
  snprintf(json, sizeof json,
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nx-request-id: req_bench\r\nContent-Length: %d\r\n\r\n%s",
      length, body);
  snprintf(stream_head, sizeof stream_head,
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nx-request-id: req_bench\r\n"
      "Transfer-Encoding: chunked\r\n\r\n");
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  if (bind(listener, (void *)&address, size) != 0 || listen(listener, 4096) != 0) return 1;
  getsockname(listener, (void *)&address, &size);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  epoll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, ready[256];
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    int got = epoll_wait(epoll, ready, 256, send_due());
    for (int index = 0; index < got; index++) {
      struct connection *c = ready[index].data.ptr;
      if (c == NULL) accept_all(listener);
      else if (c->fd >= 0) {
        if (ready[index].events & EPOLLOUT) flush(c);
        if (ready[index].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(c);
      }
    }
  }
}

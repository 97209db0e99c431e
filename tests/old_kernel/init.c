/* SPDX-License-Identifier: Apache-2.0 */
/* The first process of a virtual machine with an older kernel: runs the tests that need that
 * kernel, then a TCP transfer through guidewayd, and powers off. Each step prints "STEP name: ok"
 * or "STEP name: failed"; tools/lib/guideway_checks/old_kernel.py reads that.
 *
 *   client c0 --- wan [ director, XDP ] lan --- b0 backend      one namespace each
 *
 * The client's packets for the VIP are redirected from wan to lan; the answers are routed back. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PORT = 6400, TRANSFER = 1 << 20, TRIES = 100 };
static const char kVip[] = "10.9.9.9";

static void say(const char *step, int ok) {
  printf("\nSTEP %s: %s\n", step, ok ? "ok" : "failed");
  fflush(stdout);
}

static pid_t start(const char *command) {
  pid_t child = fork();
  if (child == 0) {
    execl("/bin/sh", "sh", "-c", command, (char *)0);
    _exit(127);
  }
  return child;
}

static int succeeds(const char *command) {
  int status = 0;
  waitpid(start(command), &status, 0);
  return status == 0;
}

static int run(const char *command) {
  if (succeeds(command)) return 1;
  printf("failed: %s\n", command);
  return 0;
}

static void pause_ms(long ms) {
  struct timespec time = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&time, NULL);
}

static int load_module(const char *path) {
  int fd = open(path, O_RDONLY);
  return fd >= 0 && syscall(SYS_finit_module, fd, "", 0) == 0;
}

static void enter(const char *namespace_file) {
  int fd = open(namespace_file, O_RDONLY);
  if (fd < 0 || setns(fd, CLONE_NEWNET) != 0) _exit(3);
}

/* The backend: takes one connection to its end and answers with the number of bytes. */
static void serve(void) {
  enter("/run/netns/b");
  int one = 1;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(PORT)};
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&own, sizeof own) != 0 || listen(listener, 4) != 0)
    _exit(4);
  int connection = accept(listener, NULL, NULL);
  static char buffer[65536];
  unsigned total = 0;
  for (ssize_t got; (got = read(connection, buffer, sizeof buffer)) > 0;) total += (unsigned)got;
  _exit(write(connection, &total, sizeof total) == sizeof total ? 0 : 5);
}

/* The client: sends TRANSFER bytes to the VIP and expects to be told so. */
static void send_all(void) {
  enter("/run/netns/c");
  struct timeval limit = {20, 0};
  struct sockaddr_in vip = {.sin_family = AF_INET, .sin_port = htons(PORT)};
  inet_pton(AF_INET, kVip, &vip.sin_addr);
  int connection = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (connect(connection, (struct sockaddr *)&vip, sizeof vip) != 0) _exit(4);
  static char buffer[65536];
  for (unsigned sent = 0; sent < TRANSFER; sent += sizeof buffer)
    if (write(connection, buffer, sizeof buffer) != sizeof buffer) _exit(5);
  shutdown(connection, SHUT_WR);
  unsigned total = 0;
  _exit(read(connection, &total, sizeof total) == sizeof total && total == TRANSFER ? 0 : 6);
}

static int transfer(void) {
  pid_t server = fork();
  if (server == 0) serve();
  pid_t client = fork();
  if (client == 0) send_all();
  int sent = 0, served = 0;
  waitpid(client, &sent, 0);
  if (sent != 0) kill(server, SIGKILL);
  waitpid(server, &served, 0);
  printf("client %d, server %d\n", sent, served);
  return sent == 0 && served == 0;
}

static int build_network(void) {
  return run(
      "set -e; ip link set lo up; ip netns add c; ip netns add b;"
      "ip link add wan type veth peer name c0 netns c;"
      "ip link add lan type veth peer name b0 netns b;"
      "ip address add 10.1.0.1/24 dev wan; ip address add 10.2.0.1/24 dev lan;"
      "ip link set wan up; ip link set lan up; echo 1 > /proc/sys/net/ipv4/ip_forward;"
      "ip -n c address add 10.1.0.2/24 dev c0; ip -n c link set c0 up;"
      "ip -n c route add 10.9.9.9/32 via 10.1.0.1;"
      "ip -n b address add 10.2.0.2/24 dev b0; ip -n b link set b0 up;"
      "ip -n b link set lo up; ip -n b address add 10.9.9.9/32 dev lo;"
      "ip -n b route add default via 10.2.0.1;"
      "nsenter --net=/run/netns/c ethtool -K c0 tx off >/dev/null;"
      "nsenter --net=/run/netns/b ethtool -K b0 tx off >/dev/null;"
      "ip -n b link set b0 xdpdrv object /t/pass.bpf.o section xdp");
}

/* guidewayd says that it forwards by a service without a reason against its one backend. */
static int wait_ready(void) {
  for (int i = 0; i < TRIES; i++) {
    if (succeeds("/t/guideway --socket /run/status.sock status --json 2>/dev/null |"
                 " grep -q '\"reason\":\"\"'"))
      return 1;
    pause_ms(100);
  }
  return 0;
}

int main(void) {
  setenv("LD_LIBRARY_PATH", "/t/lib", 1);
  setenv("PATH", "/t:/bin", 1);
  mount("proc", "/proc", "proc", 0, 0);
  mount("sys", "/sys", "sysfs", 0, 0);
  mount("dev", "/dev", "devtmpfs", 0, 0);
  mount("run", "/run", "tmpfs", 0, 0);
  mkdir("/run/bpf", 0700);
  mount("bpf", "/run/bpf", "bpf", 0, "mode=0700");
  say("module", load_module("/t/veth.ko"));
  say("load", run("/t/verifier_test --gtest_filter='Variants/Verifier.*/0:Variants/Verifier.*/7'"));
  say("packets", run("/t/packet_xdp_test --gtest_brief=1"));
  /* Each test loads the program, which takes its time here: every tunnel once, and every case. */
  say("decapsulator",
      run("/t/decap_test --gtest_brief=1 --gtest_filter='*.HandsTheInner*:Decap.*-*Random*'"));
  say("network", build_network());
  pid_t daemon = start("exec /t/guidewayd --config /t/guideway.toml");
  say("daemon", wait_ready());
  say("transfer", transfer());
  kill(daemon, SIGTERM);
  waitpid(daemon, NULL, 0);
  run("uname -r");
  sync();
  reboot(RB_POWER_OFF);
}

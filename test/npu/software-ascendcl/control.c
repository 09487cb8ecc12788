// What tests ask for, and what they are told: the control file, the report, and the text of the last error.

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "software.h"

pthread_mutex_t lock;
Knobs knobs;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const char* controlFile;
static const char* reportFile;
static struct stat lastControl;
static int numCalls[kMaxFaults];
static __thread char errorText[512];
static __thread char lastText[512];
static __thread const char* call = "";

static void start(void) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_init(&lock, &attributes);
  controlFile = getenv("SOFTWARE_ASCENDCL_CONTROL");
  reportFile = getenv("SOFTWARE_ASCENDCL_REPORT");
}

static void setDefaults(void) {
  knobs = (Knobs){.soc = "Ascend910B4", .numDevices = 1, .memoryBytes = (size_t)32 << 30, .lostDevice = -1};
  memset(numCalls, 0, sizeof numCalls);
}

static void readLine(const char* line) {
  Fault* const fault = &knobs.faults[knobs.numFaults];
  if (sscanf(line, "soc %63s", knobs.soc) == 1) return;
  if (sscanf(line, "devices %d", &knobs.numDevices) == 1) return;
  if (sscanf(line, "memory %zu", &knobs.memoryBytes) == 1) return;
  if (sscanf(line, "delay %d", &knobs.delayMs) == 1) return;
  if (sscanf(line, "lose %d %d %d", &knobs.lostDevice, &knobs.lostAt, &knobs.failingSets) == 3) return;
  if (knobs.numFaults < kMaxFaults &&
      sscanf(line, "fail %63s %d %d %d %255[^\n]", fault->call, &fault->device, &fault->nth, &fault->code, fault->text) >= 4) {
    knobs.numFaults++;
    return;
  }
  if (line[0] != '\n') report("control: cannot read %s", line);
}

static void readControl(void) {
  struct stat now;
  if (knobs.numDevices == 0) setDefaults();
  if (controlFile == NULL || stat(controlFile, &now) != 0) return;
  if (now.st_ino == lastControl.st_ino && now.st_size == lastControl.st_size &&
      now.st_mtim.tv_sec == lastControl.st_mtim.tv_sec && now.st_mtim.tv_nsec == lastControl.st_mtim.tv_nsec) {
    return;
  }
  lastControl = now;
  setDefaults();
  FILE* const file = fopen(controlFile, "r");
  char line[512];
  while (file != NULL && fgets(line, sizeof line, file) != NULL) readLine(line);
  if (file != NULL) fclose(file);
}

static int injectedFault(void) {
  for (int i = 0; i < knobs.numFaults; i++) {
    if (strcmp(knobs.faults[i].call, call) != 0) continue;
    if (knobs.faults[i].device >= 0 && knobs.faults[i].device != currentDevice()) continue;
    numCalls[i]++;
    if (knobs.faults[i].nth == 0 || knobs.faults[i].nth == numCalls[i]) {
      return refuse(knobs.faults[i].code, "%s", knobs.faults[i].text);
    }
  }
  return 0;
}

int enter(const char* name) {
  pthread_once(&once, start);
  pthread_mutex_lock(&lock);
  call = name;
  readControl();
  // The main thread of Node must never wait for a device.
  if (syscall(SYS_gettid) == getpid()) forbid(107003, "called on the main thread");
  return injectedFault();
}

int leave(int code) {
  pthread_mutex_unlock(&lock);
  return code;
}

const char* currentCall(void) { return call; }

void report(const char* format, ...) {
  char line[640];
  va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(line, sizeof line - 1, format, arguments);
  va_end(arguments);
  FILE* const file = reportFile == NULL ? NULL : fopen(reportFile, "a");
  if (file == NULL) return;
  fprintf(file, "%s\n", length < 0 ? format : line);
  fclose(file);
}

int refuse(int code, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(errorText, sizeof errorText, format, arguments);
  va_end(arguments);
  return code;
}

int forbid(int code, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(errorText, sizeof errorText, format, arguments);
  va_end(arguments);
  report("forbidden: %s: %s", call, errorText);
  return code;
}

/** Of this thread, and only once. It stays valid until the next call. */
const char* aclGetRecentErrMsg(void) {
  if (errorText[0] == '\0') return NULL;
  memcpy(lastText, errorText, sizeof lastText);
  errorText[0] = '\0';
  return lastText;
}

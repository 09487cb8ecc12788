// Looks for AscendCL where its releases put it, and resolves the functions one by one over its parts.

#include "library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** CANN 9 splits the library, and keeps the first name for old programs. */
static const char* const kNames[] = {"libascendcl.so", "libacl_mdl.so", "libacl_rt.so"};
enum { kNumNames = sizeof kNames / sizeof kNames[0] };

/** Set by set_env.sh of the toolkit. */
static const char* const kHomeVariables[] = {"ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME"};
/** CANN 9 and CANN 8. */
static const char* const kHomes[] = {"/usr/local/Ascend/cann", "/usr/local/Ascend/ascend-toolkit/latest"};

static const int kInitialisedBefore = 100002;

/** AscendCL is one per process, whatever loads it. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static Library library;
static bool isOpen = false;
static bool isInitialised = false;
static bool wasFirst = false;
static int numUsers = 0;

typedef struct {
  void* handles[kNumNames + 1];
  size_t count;
} Parts;

/** Adds the file to the parts. Of the failures, one of a file that exists says most. */
static bool openPart(Parts* parts, const char* path, Failure* failure) {
  // As torch_npu opens it. It is never closed: its threads would lose their code.
  void* const handle = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
  if (handle != NULL) {
    if (parts->count == 0) snprintf(library.path, sizeof library.path, "%s", path);
    parts->handles[parts->count++] = handle;
    return true;
  }
  const char* const text = dlerror();
  if (failure->detail[0] == '\0' || access(path, F_OK) == 0) setDetail(failure, text);
  return false;
}

static bool openIn(Parts* parts, const char* folder, const char* name, Failure* failure) {
  char path[1024];
  snprintf(path, sizeof path, "%s/lib64/%s", folder, name);
  return access(path, F_OK) == 0 && openPart(parts, path, failure);
}

/** The other parts of a split library lie beside the one that was named. */
static void openBeside(Parts* parts, const char* path, Failure* failure) {
  const char* const slash = strrchr(path, '/');
  if (slash == NULL) return;
  for (size_t i = 0; i < kNumNames; i++) {
    char beside[1024];
    snprintf(beside, sizeof beside, "%.*s/%s", (int)(slash - path), path, kNames[i]);
    if (strcmp(beside, path) != 0 && access(beside, F_OK) == 0) openPart(parts, beside, failure);
  }
}

static void openUsual(Parts* parts, const char* name, Failure* failure) {
  for (size_t i = 0; i < sizeof kHomeVariables / sizeof kHomeVariables[0]; i++) {
    const char* const home = getenv(kHomeVariables[i]);
    if (home != NULL && home[0] != '\0' && openIn(parts, home, name, failure)) return;
  }
  for (size_t i = 0; i < sizeof kHomes / sizeof kHomes[0]; i++) {
    if (openIn(parts, kHomes[i], name, failure)) return;
  }
  openPart(parts, name, failure);
}

static void* find(const Parts* parts, const char* name) {
  for (size_t i = 0; i < parts->count; i++) {
    void* const address = dlsym(parts->handles[i], name);
    if (address != NULL) return address;
  }
  return NULL;
}

static bool resolve(const Parts* parts, Failure* failure) {
  library.numMissing = 0;
  void* address;
  // POSIX lets a function's address through void*; the copy says so to the compiler.
#define FIND(name) (address = find(parts, #name), memcpy(&library.acl.name, &address, sizeof address), address != NULL)
#define REQUIRED(result, name, parameters) \
  if (!FIND(name)) return fail(failure, kSymbol, "%s lacks %s.", library.path, #name);
#define OPTIONAL(result, name, parameters) \
  if (!FIND(name)) library.missing[library.numMissing++] = #name;
  ACL_FUNCTIONS(REQUIRED, OPTIONAL)
#undef OPTIONAL
#undef REQUIRED
#undef FIND
  return true;
}

static bool openOnce(const char* path, Failure* failure) {
  if (isOpen) {
    if (path == NULL || strcmp(path, library.path) == 0) return true;
    return fail(failure, kLibrary, "%s is open already in this process.", library.path);
  }
  Parts parts = {.count = 0};
  if (path != NULL) {
    if (openPart(&parts, path, failure)) openBeside(&parts, path, failure);
  } else {
    for (size_t i = 0; i < kNumNames; i++) openUsual(&parts, kNames[i], failure);
  }
  if (parts.count == 0) return fail(failure, kLibrary, "AscendCL cannot be opened.");
  setDetail(failure, NULL);
  isOpen = resolve(&parts, failure);
  return isOpen;
}

static bool initialiseOnce(Failure* failure) {
  if (isInitialised) return true;
  const int code = library.acl.aclInit(NULL);
  wasFirst = code == 0;
  isInitialised = code == kInitialisedBefore || callWentWell(failure, &library.acl, "aclInit", code);
  return isInitialised;
}

const Library* openLibrary(const char* path, Failure* failure) {
  pthread_mutex_lock(&mutex);
  const bool isReady = openOnce(path, failure) && initialiseOnce(failure);
  pthread_mutex_unlock(&mutex);
  return isReady ? &library : NULL;
}

void retainLibrary(void) {
  pthread_mutex_lock(&mutex);
  numUsers++;
  pthread_mutex_unlock(&mutex);
}

/** Something else in this process may have initialised it too, and goes on using it. */
static void giveBack(void) {
  if (library.acl.aclFinalizeReference != NULL) {
    library.acl.aclFinalizeReference(NULL);
  } else if (wasFirst) {
    library.acl.aclFinalize();
  }
}

static void* finalise(void* unused) {
  pthread_mutex_lock(&mutex);
  if (isInitialised) giveBack();
  isInitialised = false;
  pthread_mutex_unlock(&mutex);
  return unused;
}

void finaliseLibrary(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, finalise, NULL) == 0) pthread_join(thread, NULL);
}

void releaseLibrary(void) {
  pthread_mutex_lock(&mutex);
  const bool wasLast = --numUsers == 0;
  pthread_mutex_unlock(&mutex);
  if (wasLast) finaliseLibrary();
}

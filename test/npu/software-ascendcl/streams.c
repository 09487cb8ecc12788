// A stream is a thread that does one operation after another.

#include <stdlib.h>
#include <time.h>

#include "software.h"

Stream* useStream(const void* handle) {
  const Context* const context = useContext();
  Stream* const stream = context == NULL ? NULL : useObject(kStream, handle);
  if (stream == NULL || stream->context == context) return stream;
  forbid(107003, "the stream is of another context");
  return NULL;
}

bool isBusy(int device) {
  for (const Object* object = firstObject(); object != NULL; object = object->next) {
    const Stream* const stream = (const Stream*)object;
    if (object->kind == kStream && object->device == device && (stream->isBusy || stream->first != NULL)) return true;
  }
  return false;
}

static void* serve(void* argument) {
  Stream* const stream = argument;
  pthread_mutex_lock(&lock);
  for (;;) {
    while (stream->first == NULL && !stream->isStopping) pthread_cond_wait(&stream->changed, &lock);
    Operation* const operation = stream->first;
    if (operation == NULL) break;
    stream->first = operation->next;
    if (stream->first == NULL) stream->last = NULL;
    stream->isBusy = true;
    pthread_mutex_unlock(&lock);
    const int code = operation->work(operation);
    free(operation);
    pthread_mutex_lock(&lock);
    stream->isBusy = false;
    if (stream->code == 0) stream->code = code;
    pthread_cond_broadcast(&stream->changed);
  }
  pthread_mutex_unlock(&lock);
  return NULL;
}

void pushOperation(Stream* stream, Operation* operation) {
  if (stream->last == NULL) {
    stream->first = operation;
  } else {
    stream->last->next = operation;
  }
  stream->last = operation;
  pthread_cond_broadcast(&stream->changed);
}

static struct timespec timeIn(int ms) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  const long nanoseconds = time.tv_nsec + (ms % 1000) * 1000000L;
  return (struct timespec){time.tv_sec + ms / 1000 + nanoseconds / 1000000000L, nanoseconds % 1000000000L};
}

void delayOn(Stream* stream, int ms) {
  const struct timespec end = timeIn(ms);
  pthread_mutex_lock(&lock);
  while (ms > 0 && !stream->isStopping && pthread_cond_timedwait(&stream->changed, &lock, &end) == 0) continue;
  pthread_mutex_unlock(&lock);
}

int aclrtCreateStream(void** handle) {
  int code = enter("aclrtCreateStream");
  Context* const context = code == 0 ? useContext() : NULL;
  if (code == 0) code = context == NULL ? 107002 : deviceState(context->object.device);
  if (code != 0) return leave(code);
  Stream* const stream = makeObject(kStream, context->object.device, sizeof *stream);
  stream->context = context;
  pthread_cond_init(&stream->changed, NULL);
  pthread_create(&stream->thread, NULL, serve, stream);
  *handle = stream;
  return leave(0);
}

static int destroy(const char* call, void* handle, bool isForced) {
  const int injected = enter(call);
  Stream* const stream = useStream(handle);
  if (stream == NULL) return leave(107003);
  const int code = deviceState(stream->object.device);
  if (!isForced && (stream->isBusy || stream->first != NULL)) forbid(107000, "the stream is still busy");
  while (!isForced && (stream->isBusy || stream->first != NULL)) pthread_cond_wait(&stream->changed, &lock);
  stream->isStopping = true;
  pthread_cond_broadcast(&stream->changed);
  pthread_mutex_unlock(&lock);
  pthread_join(stream->thread, NULL);
  pthread_mutex_lock(&lock);
  pthread_cond_destroy(&stream->changed);
  destroyObject(stream);
  return leave(injected == 0 ? code : injected);
}

int aclrtDestroyStream(void* stream) { return destroy("aclrtDestroyStream", stream, false); }

int aclrtDestroyStreamForce(void* stream) { return destroy("aclrtDestroyStreamForce", stream, true); }

static int waitFor(const char* call, void* handle, int ms) {
  const int injected = enter(call);
  Stream* const stream = useStream(handle);
  if (stream == NULL) return leave(107003);
  const struct timespec end = timeIn(ms);
  while (stream->isBusy || stream->first != NULL) {
    if (ms < 0) {
      pthread_cond_wait(&stream->changed, &lock);
    } else if (pthread_cond_timedwait(&stream->changed, &lock, &end) != 0) {
      return leave(refuse(507046, "the stream is not done after %d ms", ms));
    }
  }
  int code = stream->code;
  stream->code = 0;
  if (code != 0) refuse(code, "an operation on the stream failed with %d", code);
  if (code == 0) code = deviceState(stream->object.device);
  return leave(injected == 0 ? code : injected);
}

int aclrtSynchronizeStream(void* stream) { return waitFor("aclrtSynchronizeStream", stream, -1); }

int aclrtSynchronizeStreamWithTimeout(void* stream, int32_t ms) {
  return waitFor("aclrtSynchronizeStreamWithTimeout", stream, ms);
}

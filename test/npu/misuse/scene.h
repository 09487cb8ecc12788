// What a program has made before it makes a mistake: a device, a stream, the small model, and all that a run needs.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "../../../native/npu/acl.h"

#define DECLARE(result, name, parameters) extern result name parameters;
ACL_FUNCTIONS(DECLARE, DECLARE)
#undef DECLARE

enum { kNumInputs = 4, kNumOutputs = 2, kGearInput = 3, kPinnedBytes = 64 };

typedef struct {
  void* memory;
  void* buffer;
} Part;

typedef struct {
  const char* omPath;
  void* context;
  void* stream;
  uint32_t model;
  void* description;
  void* inputs;
  void* outputs;
  Part parts[kNumInputs + kNumOutputs];
  void* pinned;
  /** The gear of one sequence of eight. */
  AclDims gear;
} Scene;

/** Everything is as it should be after it. */
void makeScene(Scene* scene, const char* omPath);
/** A run, with its gear; the stream is not waited for. */
void startRun(Scene* scene);
void waitForStream(Scene* scene);
/** Releases all of it, in order. */
void releaseScene(Scene* scene);
/** Ends the program when a call that is right fails. */
void mustWork(int code, const char* call);
#define MUST(call) mustWork(call, #call)

/** A wrong call, and whatever else it takes to leave the scene as it was. */
typedef struct {
  const char* name;
  void (*make)(Scene* scene);
} Mistake;

/** Each ends with one that has no name. */
extern const Mistake kModelMistakes[];
extern const Mistake kMemoryMistakes[];
extern const Mistake kOrderMistakes[];

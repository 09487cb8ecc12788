// A compiled model on a device, with all the memory that its runs need.
#pragma once

#include <stdatomic.h>

#include "device.h"
#include "gears.h"

enum { kMaxTensors = 64, kNumSlots = 2 };

typedef struct {
  char name[kAclMaxNameBytes];
  /** AclType. */
  int type;
  size_t rank;
  /** -1 where the gears differ. */
  int64_t dims[kAclMaxDims];
  /** Of the largest gear. */
  size_t bytes;
  /** Where it begins in the memory of its side, in front of all of its gears. */
  size_t offset;
} Tensor;

typedef struct {
  Tensor tensors[kMaxTensors];
  size_t count;
  /** Memory for all of them. */
  size_t bytes;
} Side;

/** One side of the model in the device's memory, as AscendCL wants it. */
typedef struct {
  void* memory;
  void* dataset;
  void* buffers[kMaxTensors + 1];
  size_t count;
} DeviceSide;

struct Model {
  Device* device;
  /** Of the device's list. */
  Model* next;
  /** Whoever may still ask what the model is: the device's thread while it is loaded, and JavaScript. */
  atomic_int numUsers;

  // Written while it loads, and only read from then on:
  Side inputs;
  Side outputs;
  Gears gears;

  // The thread's alone:
  uint32_t id;
  bool isLoaded;
  void* description;
  /** The hidden input, in the model's order; only where there are gears. */
  size_t gearInput;
  void* gearMemory;
  DeviceSide deviceInputs;
  DeviceSide deviceOutputs;
  /** Pinned, for inputs: while one run is under way, the next one is copied into the other. */
  void* slots[kNumSlots];
  Run* slotUsers[kNumSlots];
  /** Pinned, for outputs. */
  void* results;
};

/** On the device's thread. NULL when it failed; nothing is left behind then. */
Model* loadModel(Device* device, const char* omPath, const char* weightDir, Failure* failure);
/** On the device's thread: releases what AscendCL knows of, and the thread's use of the model. Twice is fine. */
void unloadModel(Model* model);

void retainModel(Model* model);
/** The last one frees it. */
void releaseModel(Model* model);

/** 0 for a type that AscendCL has and the addon does not. */
size_t elementBytes(int aclType);
/** Exactly of this gear; -1 for a model of one shape. */
size_t inputBytes(const Model* model, size_t input, int gear);

// A library with the interface of AscendCL that computes with ONNX Runtime on the host, and watches for whatever the real
// one forbids.
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

#include "../../../native/npu/acl.h"

enum { kMaxDevices = 16, kMaxFaults = 16 };

typedef struct {
  char call[64];
  /** Of threads that have a context there; -1 for all. */
  int device;
  /** Which call from when the file was read, counted from 1; 0 for all. */
  int nth;
  int code;
  char text[256];
} Fault;

/** What tests ask for, in a file that is read again whenever it changes. */
typedef struct {
  char soc[64];
  int numDevices;
  size_t memoryBytes;
  int delayMs;
  Fault faults[kMaxFaults];
  int numFaults;
  /** The device that is lost at its nth execution, counted from 1 from when the file was read; -1 for none. */
  int lostDevice;
  int lostAt;
  /** How often it cannot be set after it was reset; -1 for never again. */
  int failingSets;
  /** Since the file was read. */
  int numExecutions[kMaxDevices];
} Knobs;

// control.c: every function begins with `enter`, which takes the lock, and ends with `leave`.

extern Knobs knobs;
/** 0, or the code that a test asked for. */
int enter(const char* call);
int leave(int code);
/** For waiting inside a function. */
extern pthread_mutex_t lock;
/** A mistake of the caller: a line in the report, and a text. Returns the code. */
int forbid(int code, const char* format, ...) __attribute__((format(printf, 2, 3)));
/** Something that happens to a caller without a mistake. Returns the code. */
int refuse(int code, const char* format, ...) __attribute__((format(printf, 2, 3)));
void report(const char* format, ...) __attribute__((format(printf, 1, 2)));
const char* currentCall(void);

// objects.c: what the caller has made and not destroyed.

typedef enum { kContext, kStream, kDataBuffer, kDataset, kDescription, kLoadConfig, kModel, kDeviceMemory, kPinned } Kind;

typedef struct Object {
  Kind kind;
  int device;
  struct Object* next;
} Object;

/** `bytes` begin with an Object. */
void* makeObject(Kind kind, int device, size_t bytes);
/** NULL when there is no such object. */
void* findObject(Kind kind, const void* object);
/** As findObject, and a line in the report when there is none. */
void* useObject(Kind kind, const void* object);
void destroyObject(void* object);
Object* firstObject(void);
/** A line for each kind that is left; of all devices when `device` is -1. */
void reportLeaks(int device);

// runtime.c: devices, contexts and streams.

typedef struct {
  Object object;
} Context;

typedef struct Operation {
  struct Operation* next;
  /** Without the lock. 0, or the code that synchronising returns. */
  int (*work)(struct Operation* operation);
} Operation;

typedef struct {
  Object object;
  Context* context;
  pthread_t thread;
  pthread_cond_t changed;
  Operation* first;
  Operation* last;
  bool isBusy;
  bool isStopping;
  int code;
} Stream;

/** The context of this thread, or NULL after a line in the report: 107002. */
Context* useContext(void);
/** That of this thread's context; -1 when it has none. */
int currentDevice(void);
/** A stream of this thread's context. */
Stream* useStream(const void* stream);
void pushOperation(Stream* stream, Operation* operation);
/** Whether a stream of the device has operations that are not done. */
bool isBusy(int device);
/** Waits on the stream's thread, until it is being destroyed by force at most. */
void delayOn(Stream* stream, int ms);
/** 0, or 507010 when the device is lost. */
int deviceState(int device);
/** Counts an execution, which may be the one that loses the device. */
int countExecution(int device);

// memory.c

/** Whether [address, address + bytes) is inside one piece of memory of that kind. */
bool isInside(Kind kind, const void* address, size_t bytes);
size_t usedBytes(int device);

// om.c: the file that the stand-in for atc writes.

enum { kMaxOmTensors = 64, kMaxOmGears = 100 };

typedef struct {
  char name[kAclMaxNameBytes];
  /** Of ONNX. */
  int type;
  size_t rank;
  int64_t dims[kAclMaxDims];
} OmTensor;

typedef struct {
  char onnx[1024];
  char soc[64];
  bool hasWeightsBeside;
  OmTensor inputs[kMaxOmTensors];
  size_t numInputs;
  OmTensor outputs[kMaxOmTensors];
  size_t numOutputs;
  /** 0 for a model of one shape, which still has one element here: its shapes. */
  size_t numGears;
  struct {
    int64_t inputs[kAclMaxDims];
    int64_t outputs[kAclMaxDims];
  } gears[kMaxOmGears];
  size_t inputRank;
  size_t outputRank;
} Om;

bool readOm(const char* path, Om* om);
int aclTypeOf(int onnxType);
size_t typeBytes(int onnxType);
/** The dimensions of one tensor in a gear. */
const int64_t* gearInput(const Om* om, size_t gear, size_t input);
const int64_t* gearOutput(const Om* om, size_t gear, size_t output);
size_t tensorBytes(const OmTensor* tensor, const int64_t* dims);
/** The gear that is used when none is set. */
size_t largestGear(const Om* om);

// ort.c

/** A session, or NULL with the reason in `error`. */
void* loadOnnx(const char* path, char* error, size_t errorBytes);
void unloadOnnx(void* session);
/** Inputs are read where they are; outputs are copied to where they belong. */
bool runOnnx(void* session, const Om* om, size_t gear, void* const* inputs, void* const* outputs, char* error, size_t errorBytes);

// data.c

typedef struct {
  Object object;
  void* address;
  size_t bytes;
} DataBuffer;

typedef struct {
  Object object;
  DataBuffer* buffers[kMaxOmTensors + 1];
  size_t count;
} Dataset;

// models.c

typedef struct {
  Object object;
  uint32_t id;
  Context* context;
  Om om;
  void* session;
  size_t gear;
  /** Executions that are under way, and their stream. */
  int numPending;
  const Stream* stream;
} ModelObject;

/** NULL after a line in the report: 145003. */
ModelObject* useModel(uint32_t id);
/** Bytes of the hidden input: a mark, a count and the dimensions. */
size_t gearInputBytes(const Om* om);
int loadOm(const char* path, const char* weightDir, uint32_t* id);

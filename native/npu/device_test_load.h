// What device_test.c does its tests with: jobs that can be waited for, runs of the small model, and threads that submit them.
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"

enum { kWidth = 4, kNumModels = 3, kNumThreads = 3, kRunsOfThread = 25 };

static const char* libraryPath;
static const char* omPath;
static unsigned randomState;
static atomic_int numFailed;

static void expect(bool holds, const char* what, const char* detail) {
  if (holds) return;
  printf("FAILED: %s: %s\n", what, detail);
  atomic_fetch_add(&numFailed, 1);
}

static unsigned below(unsigned limit) {
  randomState = randomState * 1664525 + 1013904223;
  return (randomState >> 16) % limit;
}

/** What the software AscendCL does from its next call on. */
static void tell(const char* lines) {
  const char* const control = getenv("SOFTWARE_ASCENDCL_CONTROL");
  char path[1024];
  snprintf(path, sizeof path, "%s.new", control);
  FILE* const file = fopen(path, "w");
  fprintf(file, "devices 2\n%s", lines);
  fclose(file);
  rename(path, control);
}

// Jobs that can be waited for.

typedef struct {
  Job job;
  Run run;
  Model* model;
  int seed;
  int numDone;
} Task;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void done(Job* job) {
  pthread_mutex_lock(&mutex);
  ((Task*)job)->numDone++;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&mutex);
}

/** Once done, or refused. */
static FailureKind await(Task* task) {
  pthread_mutex_lock(&mutex);
  while (task->numDone == 0) pthread_cond_wait(&changed, &mutex);
  expect(task->numDone == 1, "a job is done once", task->job.failure.message);
  pthread_mutex_unlock(&mutex);
  return task->job.failure.kind;
}

static void submit(Device* device, Task* task, bool isLast) {
  task->job.done = done;
  if (!submitJob(device, &task->job, isLast)) done(&task->job);
}

static void doOpen(Job* job, Device* device) { openDevice(device, &job->failure); }

static void doLoad(Job* job, Device* device) {
  Task* const task = (Task*)job;
  task->model = loadModel(device, omPath, NULL, &job->failure);
  if (task->model != NULL) retainModel(task->model);
}

/** A lost device may still write to the memory of its models: they go with its stream. */
static void doUnload(Job* job, Device* device) {
  if (device->lost.kind == kNoFailure) unloadModel(((Task*)job)->model);
}

static void doRunJob(Job* job, Device* device) {
  (void)device;
  doRun(job->run, &job->failure);
}

static void doRelease(Job* job, Device* device) {
  (void)job;
  releaseDevice(device);
}

static FailureKind openAndWait(Device* device) {
  Task task = {.job.work = doOpen};
  submit(device, &task, false);
  return await(&task);
}

/** NULL, with the kind of failure, when it fails. */
static Model* loadAndWait(Device* device, FailureKind* kind) {
  Task task = {.job.work = doLoad};
  submit(device, &task, false);
  *kind = await(&task);
  return task.model;
}

static void unloadAndWait(Device* device, Model* model) {
  Task task = {.job = {.work = doUnload, .isRelease = true}, .model = model};
  submit(device, &task, false);
  await(&task);
  releaseModel(model);
}

static void closeAndWait(Device* device) {
  Task task = {.job = {.work = doRelease, .isRelease = true}};
  submit(device, &task, true);
  await(&task);
  joinDevice(device);
}

// Runs of the small model: ids [B, S], x [B, S, 4] and shift [B] to out [B, 4] and twice [B, S].

static void initTask(Task* task, Model* model, int gear, int seed) {
  *task = (Task){.job.work = doRunJob, .seed = seed};
  expect(initRun(&task->run, model, gear, 60000), "a run has memory", "initRun");
  task->job.run = &task->run;
  const int64_t* const dims = model->gears.dims + (size_t)gear * model->gears.rank;
  const int64_t batch = dims[0];
  const int64_t length = dims[1];
  task->run.outputBytes[0] = (size_t)(batch * kWidth) * sizeof(float);
  task->run.outputBytes[1] = (size_t)(batch * length) * sizeof(int64_t);
  int64_t* const ids = (int64_t*)(task->run.inputs + model->inputs.tensors[0].offset);
  float* const x = (float*)(task->run.inputs + model->inputs.tensors[1].offset);
  float* const shift = (float*)(task->run.inputs + model->inputs.tensors[2].offset);
  for (int64_t i = 0; i < batch * length; i++) ids[i] = seed + i;
  for (int64_t i = 0; i < batch * length * kWidth; i++) x[i] = (float)seed;
  for (int64_t i = 0; i < batch; i++) shift[i] = (float)i;
}

static void checkOutputsOf(const Task* task) {
  const Model* const model = task->run.model;
  const int64_t* const dims = model->gears.dims + (size_t)task->run.gear * model->gears.rank;
  const float* const out = (const float*)(task->run.outputs + model->outputs.tensors[0].offset);
  const int64_t* const twice = (const int64_t*)(task->run.outputs + model->outputs.tensors[1].offset);
  bool isRight = true;
  for (int64_t i = 0; i < dims[0] * kWidth; i++) isRight &= out[i] == (float)(task->seed * dims[1] + i / kWidth);
  for (int64_t i = 0; i < dims[0] * dims[1]; i++) isRight &= twice[i] == 2 * (task->seed + i);
  expect(isRight, "numbers", "a run gave others");
}

static FailureKind finishRun(Task* task) {
  const FailureKind kind = await(task);
  if (kind == kNoFailure) checkOutputsOf(task);
  freeRun(&task->run);
  return kind;
}

static FailureKind runAndWait(Device* device, Model* model, int gear) {
  Task task;
  initTask(&task, model, gear, gear + 1);
  submit(device, &task, false);
  return finishRun(&task);
}

// Several threads that submit runs without waiting for each.

typedef struct {
  Device* device;
  Model** models;
  unsigned seed;
  int numOf[kNumFailureKinds];
} Submitter;

static void* submitRuns(void* argument) {
  Submitter* const submitter = argument;
  Task tasks[kRunsOfThread];
  for (unsigned i = 0; i < kRunsOfThread; i++) {
    const unsigned which = submitter->seed + i;
    initTask(&tasks[i], submitter->models[which % kNumModels], (int)(which / kNumModels % 3), (int)which);
    submit(submitter->device, &tasks[i], false);
  }
  for (int i = 0; i < kRunsOfThread; i++) submitter->numOf[finishRun(&tasks[i])]++;
  return NULL;
}

typedef struct {
  pthread_t threads[kNumThreads];
  Submitter submitters[kNumThreads];
} Load;

static void startLoad(Load* load, Device* device, Model** models) {
  for (int i = 0; i < kNumThreads; i++) {
    load->submitters[i] = (Submitter){.device = device, .models = models, .seed = below(100)};
    pthread_create(&load->threads[i], NULL, submitRuns, &load->submitters[i]);
  }
}

/** How many runs ended in each way. */
static void endLoad(Load* load, int* numOf) {
  memset(numOf, 0, kNumFailureKinds * sizeof *numOf);
  for (int i = 0; i < kNumThreads; i++) {
    pthread_join(load->threads[i], NULL);
    for (int kind = 0; kind < kNumFailureKinds; kind++) numOf[kind] += load->submitters[i].numOf[kind];
  }
}

static Device* openWithModels(int32_t id, Model** models) {
  Device* const device = startDevice(id, libraryPath);
  FailureKind kind = openAndWait(device);
  expect(kind == kNoFailure, "opening", "failed");
  for (int i = 0; i < kNumModels; i++) {
    models[i] = loadAndWait(device, &kind);
    expect(kind == kNoFailure, "loading", "failed");
  }
  return device;
}

static void releaseModels(Model** models) {
  for (int i = 0; i < kNumModels; i++) releaseModel(models[i]);
}

// A bounded queue of jobs for one thread, first in, first out.
#pragma once

#include <pthread.h>

#include "failure.h"

typedef struct Device Device;
typedef struct Run Run;

/** Something to be done on the thread of a device. */
typedef struct Job {
  struct Job* next;
  /** On the device's thread. Sets `failure` when it does not succeed. */
  void (*work)(struct Job* job, Device* device);
  /** On the device's thread too, whatever became of the work; the job belongs to someone else from then on. */
  void (*done)(struct Job* job);
  /** Its work is done even when the device is lost, or when what waits is given up. */
  bool isRelease;
  /** The run that this job is, if it is one: its inputs can be copied while another one is under way. */
  Run* run;
  Failure failure;
} Job;

typedef struct {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  Job* first;
  Job* last;
  int count;
  /** Nothing more is taken; the thread ends when the queue is empty. */
  bool isClosed;
  /** What waits is not done any more. */
  bool isAbandoned;
} Queue;

/** Jobs that wait; more than that would only wait longer. A release is always taken. */
enum { kMaxQueued = 256 };

void initQueue(Queue* queue);
void destroyQueue(Queue* queue);
/** False, and `failure` is set, when the queue is full or closed. `isLast` closes it behind the job. */
bool enqueue(Queue* queue, Job* job, bool isLast, Failure* failure);
/** Waits for a job. NULL when the queue is closed and empty. */
Job* dequeue(Queue* queue);
/** The run that comes next, which stays where it is; NULL when something else does. For the thread that dequeues. */
Run* nextRun(Queue* queue);
/** Closes the queue. When `abandon`, jobs that wait and are no release are not done. */
void closeQueue(Queue* queue, bool abandon);
bool isAbandoned(Queue* queue);

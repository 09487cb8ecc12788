// A linked list under a lock.

#include "queue.h"

void initQueue(Queue* queue) {
  *queue = (Queue){.first = NULL};
  pthread_mutex_init(&queue->mutex, NULL);
  pthread_cond_init(&queue->changed, NULL);
}

void destroyQueue(Queue* queue) {
  pthread_cond_destroy(&queue->changed);
  pthread_mutex_destroy(&queue->mutex);
}

static bool mayEnqueue(const Queue* queue, const Job* job, Failure* failure) {
  if (queue->isClosed) return fail(failure, kClosed, "The device is closed.");
  if (queue->count >= kMaxQueued && !job->isRelease) {
    return fail(failure, kQueueFull, "%d jobs wait for the device already.", queue->count);
  }
  return true;
}

bool enqueue(Queue* queue, Job* job, bool isLast, Failure* failure) {
  pthread_mutex_lock(&queue->mutex);
  const bool isTaken = mayEnqueue(queue, job, failure);
  if (isTaken) {
    job->next = NULL;
    if (queue->last == NULL) {
      queue->first = job;
    } else {
      queue->last->next = job;
    }
    queue->last = job;
    queue->count++;
    if (isLast) queue->isClosed = true;
    pthread_cond_signal(&queue->changed);
  }
  pthread_mutex_unlock(&queue->mutex);
  return isTaken;
}

Job* dequeue(Queue* queue) {
  pthread_mutex_lock(&queue->mutex);
  while (queue->first == NULL && !queue->isClosed) pthread_cond_wait(&queue->changed, &queue->mutex);
  Job* const job = queue->first;
  if (job != NULL) {
    queue->first = job->next;
    if (queue->first == NULL) queue->last = NULL;
    queue->count--;
  }
  pthread_mutex_unlock(&queue->mutex);
  return job;
}

Run* nextRun(Queue* queue) {
  pthread_mutex_lock(&queue->mutex);
  // It stays valid after the unlock: only this thread takes jobs out.
  Run* const run = queue->first == NULL || queue->isAbandoned ? NULL : queue->first->run;
  pthread_mutex_unlock(&queue->mutex);
  return run;
}

void closeQueue(Queue* queue, bool abandon) {
  pthread_mutex_lock(&queue->mutex);
  queue->isClosed = true;
  if (abandon) queue->isAbandoned = true;
  pthread_cond_signal(&queue->changed);
  pthread_mutex_unlock(&queue->mutex);
}

bool isAbandoned(Queue* queue) {
  pthread_mutex_lock(&queue->mutex);
  const bool isAbandoned = queue->isAbandoned;
  pthread_mutex_unlock(&queue->mutex);
  return isAbandoned;
}

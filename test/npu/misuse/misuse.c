// Uses the software AscendCL wrongly in one way: `misuse MISTAKE MODEL`. What the library reports of it is for a test to check.

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "scene.h"

static const char* omPath;

static void* work(void* mistake) {
  Scene scene;
  makeScene(&scene, omPath);
  ((const Mistake*)mistake)->make(&scene);
  releaseScene(&scene);
  return NULL;
}

static const Mistake* find(const Mistake* mistakes, const char* name) {
  while (mistakes->name != NULL && strcmp(mistakes->name, name) != 0) mistakes++;
  return mistakes->name == NULL ? NULL : mistakes;
}

/** The main thread of Node must not wait for a device: it may not call the library at all. */
static const char kOnTheMainThread[] = "the main thread";

int main(int argc, char** argv) {
  if (argc != 3) return puts("misuse MISTAKE MODEL"), 2;
  if (strcmp(argv[1], kOnTheMainThread) == 0) return aclrtGetSocName() == NULL;
  const Mistake* const groups[] = {kModelMistakes, kMemoryMistakes, kOrderMistakes};
  const Mistake* mistake = NULL;
  for (int i = 0; i < 3 && mistake == NULL; i++) mistake = find(groups[i], argv[1]);
  if (mistake == NULL) return printf("no mistake is called %s\n", argv[1]), 2;
  omPath = argv[2];
  pthread_t thread;
  pthread_create(&thread, NULL, work, (void*)mistake);
  pthread_join(thread, NULL);
  return 0;
}

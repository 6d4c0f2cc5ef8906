/* What must not be done with the library. TestCValgrind runs it, and looks
 * whether valgrind finds it: the argument says which. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parley.h"

int main(int argc, char **argv) {
  const char *how = argc == 2 ? argv[1] : "";
  parley_client_options options = {.size = sizeof options, .endpoint = "https://127.0.0.1:1", .gc_percent = -1, .memory_limit = -1};
  parley_handle client, credential, chat;
  /* A token that nobody signed, which is only looked at. */
  const char *token = "e30.eyJza3lwZWlkIjoiYWNzOmEiLCJleHAiOjQxMDI0NDQ4MDB9.c2ln";
  char *position = NULL;
  if (parley_client_new(&options, NULL, &client) != 0 || parley_credential_new(token, NULL, &credential) != 0 ||
      parley_chat_new(client, credential, NULL, NULL, &chat) != 0 || parley_chat_position(chat, &position) != 0) {
    parley_error error = {.size = sizeof error};
    parley_last_error(&error);
    fprintf(stderr, "%s\n", error.message);
    return 2;
  }
  int seen = 0;
  if (strcmp(how, "overread") == 0) {
    seen = ((volatile char *)position)[strlen(position) + 1] == 7;
  } else if (strcmp(how, "size") == 0) {
    parley_chat_options *small = calloc(1, sizeof *small);
    small->size = sizeof *small + 8;
    parley_handle another;
    seen = parley_chat_new(client, credential, small, NULL, &another);
    free(small);
  } else if (strcmp(how, "undefined") == 0) {
    parley_chat_options *hollow = malloc(sizeof *hollow);
    memset((char *)hollow + sizeof hollow->size, 0, sizeof *hollow - sizeof hollow->size);
    parley_handle another;
    seen = parley_chat_new(client, credential, hollow, NULL, &another);
    free(hollow);
  }
  if (strcmp(how, "leak") == 0)
    position = NULL;
  else
    parley_free(position);
  parley_client_shutdown(client);
  parley_release(client);
  parley_release(credential);
  return seen == 12345;
}

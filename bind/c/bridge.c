/* The header comes first, with its prototypes: the compiler holds them against
 * what cgo exports. */
#include "parley.h"
#include "_cgo_export.h"

static _Thread_local parley_error last_error;

parley_error *bridge_last_error(void) { return &last_error; }

/* The build says which version it is, as a bare word. */
#ifndef PARLEY_VERSION
#define PARLEY_VERSION dev
#endif
#define TEXT_OF(word) #word
#define TEXT(word) TEXT_OF(word)

const char *bridge_version(void) { return TEXT(PARLEY_VERSION); }

const char *bridge_error_text(int32_t code) {
  switch (code) {
  case PARLEY_ERROR_UNKNOWN: return "unknown error";
  case PARLEY_ERROR_INTERNAL: return "internal error of the library";
  case PARLEY_ERROR_INVALID_ARGUMENT: return "invalid argument";
  case PARLEY_ERROR_CLOSED: return "the object was released or shut down";
  case PARLEY_ERROR_TIMEOUT: return "the time limit was reached";
  case PARLEY_ERROR_CANCELED: return "canceled";
  case PARLEY_ERROR_UNAUTHORIZED: return "the token is refused or there is none";
  case PARLEY_ERROR_NETWORK: return "the service was not reached";
  case PARLEY_ERROR_UNSUPPORTED: return "not supported";
  case PARLEY_ERROR_FORBIDDEN: return "forbidden for this user";
  case PARLEY_ERROR_NOT_FOUND: return "not found";
  case PARLEY_ERROR_TOO_LARGE: return "too large";
  case PARLEY_ERROR_TOO_MANY_REQUESTS: return "too many requests";
  case PARLEY_ERROR_SERVICE: return "the service refused";
  case PARLEY_ERROR_STORAGE: return "a file cannot be read or written";
  case PARLEY_ERROR_INVALID_STATE: return "not possible in this state";
  case PARLEY_ERROR_CALL_ENDED: return "the call has ended";
  case PARLEY_ERROR_CALL_FAILED: return "the call was refused or failed";
  case PARLEY_ERROR_TRACK_IN_USE: return "the call sends video already";
  case PARLEY_ERROR_NO_SUCH_TRACK: return "the call does not send this video";
  default: return code < 0 ? "unknown code" : "no error";
  }
}

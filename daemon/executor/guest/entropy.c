/* Preloaded into the process that builds the guest: its random bytes come from AZR_ENTROPY instead of the system, so that
   two builds agree in hash seed, set order and random state. */
#include <stddef.h>
#include <stdlib.h>
#include <sys/types.h>

static unsigned long long state;

ssize_t getrandom(void *buffer, size_t length, unsigned flags) {
    unsigned char *bytes = buffer;
    (void)flags;
    if (!state) {
        const char *seed = getenv("AZR_ENTROPY");
        state = (seed ? strtoull(seed, NULL, 10) : 0) | 1;
    }
    for (size_t i = 0; i < length; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes[i] = (unsigned char)state;
    }
    return (ssize_t)length;
}

int getentropy(void *buffer, size_t length) {
    getrandom(buffer, length, 0);
    return 0;
}

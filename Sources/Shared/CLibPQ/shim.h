// libpq's public header, and nothing else of Postgres.
#include <libpq-fe.h>

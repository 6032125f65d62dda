/* Output shared by the commands. Private to cli/. */
#ifndef CLI_TABLES_H
#define CLI_TABLES_H

#include "cli.h"

void print_json(const json_t *j);
void print_sessions(const json_t *list);
void print_session_row(const json_t *s);
/* Gives the sessions of every tenant in one array. */
int fetch_sessions(struct client *cl, json_t **out, struct err *e);

#endif

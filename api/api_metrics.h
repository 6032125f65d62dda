/* What the server counts of its answers. Private to api/. Thread: loop. */
#ifndef API_METRICS_H
#define API_METRICS_H

struct api_request;

void api_metrics_register(void);
void api_metrics_answered(const struct api_request *r); /* status is set */

#endif

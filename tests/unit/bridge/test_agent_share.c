/* One agent's share of the calls and of the memory that all have: an endpoint that hangs leaves
 * room for the others'. */
#include "box_fixture.h"

#include "agent_priv.h"

#include <netinet/in.h>
#include <sys/socket.h>

#define PEOPLE 40

/* Takes connections and never answers. Its port. */
static unsigned hang(int *fd)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    *fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(*fd >= 0);
    assert_int_equal(bind(*fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(*fd, 128), 0);
    assert_int_equal(getsockname(*fd, (struct sockaddr *)&a, &len), 0);
    return ntohs(a.sin_port);
}

static void hear_from(struct box *x, unsigned person, unsigned number)
{
    char id[32], jid[48], lid[48];
    (void)snprintf(id, sizeof(id), "3AAA%06u", number);
    (void)snprintf(jid, sizeof(jid), "55119%08u", person);
    (void)snprintf(lid, sizeof(lid), "1000%011u@lid", person);
    struct channel_message m = box_message(id, "hello", clock_wall_ms());
    m.chat = m.from = (struct channel_peer){.id = lid, .phone = jid, .lid = lid, .name = ""};
    box_hear(x, &m);
}

static void no_agent_has_more_than_its_share(void **state)
{
    struct box *x = *state;
    struct box_answer a = {0};
    char url[64];
    int fd = -1;
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", hang(&fd));
    json_t *body = json_pack("{s:s, s:s, s:b, s:b, s:i}", "kind", "http", "url", url, "typing", 0,
                             "reply_to_backlog", 1, "timeout_ms", 120000);
    assert_non_null(body);
    bridge_agent_put(x->b, "default", "main", body, box_on_answer, &a);
    json_decref(body);
    UNTIL(x, a.count == 1);
    assert_int_equal(a.err.code, 0);
    json_decref(a.body);

    struct agents *g = x->b->agents;
    agents_start(g);
    for (unsigned n = 0; n < AGENT_KNOWN_EACH + PEOPLE; n++) {
        hear_from(x, n % PEOPLE, n);
    }
    box_settle(x);
    struct agent *agent = agent_find(g, "default", "main");
    assert_non_null(agent);
    UNTIL(x, agent->more && agent->calls == AGENT_CALLS_EACH && !list_empty(&g->ready));
    UNTIL(x, !uv_is_active((uv_handle_t *)&g->timer) || uv_timer_get_due_in(&g->timer) > 1000);
    assert_int_equal(agent->calls, AGENT_CALLS_EACH);
    assert_int_equal(g->calls, AGENT_CALLS_EACH);
    assert_int_equal(agent->known, AGENT_KNOWN_EACH);
    assert_int_equal(g->known, AGENT_KNOWN_EACH);

    /* The agent goes, and with it all that it had. */
    a = (struct box_answer){0};
    bridge_agent_delete(x->b, "default", "main", box_on_answer, &a);
    UNTIL(x, a.count == 1);
    json_decref(a.body);
    UNTIL(x, g->calls == 0 && g->known == 0 && list_empty(&g->all));
    assert_int_equal(close(fd), 0);
}

static int setup(void **state)
{
    int rc = box_setup(state);
    ((struct box *)*state)->b->cfg.relay.allow_private = true;
    return rc;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_agent_has_more_than_its_share, setup, box_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The order in which a lane works through what was handed over: no far end is there, so that what
 * is taken up is seen by what becomes of it. */
#include "box_fixture.h"
#include "clock.h"
#include "mem.h"
#include "outbox_priv.h"

#define FAR_MS UINT64_C(3600000)

static struct entry *entry_of(uint64_t order, const char *to)
{
    struct entry *en = mem_calloc(1, sizeof(*en));
    assert_non_null(en);
    list_init(&en->link);
    (void)snprintf(en->id, sizeof(en->id), "3EB0%018u", (unsigned)order);
    (void)snprintf(en->to, sizeof(en->to), "%s", to);
    (void)snprintf(en->chat, sizeof(en->chat), "%s", to);
    en->order = order;
    en->expires_ms = clock_wall_ms() + FAR_MS;
    return en;
}

static struct entry *handed(struct outbox_lane *l, uint64_t order, unsigned state, uint64_t in_ms)
{
    struct entry *en = entry_of(order, ANN_LID);
    en->handed = true;
    lane_hand(l, en, state, in_ms);
    return en;
}

static struct outbox_lane *lane_of(struct box *x)
{
    struct outbox_lane *l = session_lane(x->s);
    l->running = true; /* without a channel: whatever is tried comes back at once */
    l->more = false;
    return l;
}

/* The second miss of the first one is still to come; the far end does not have the second one. Sent
 * now, it would overtake. */
static void what_is_sent_again_waits_for_an_open_one_before_it(void **state)
{
    struct outbox_lane *l = lane_of(*state);
    struct entry *first = handed(l, 1, ENTRY_UNSURE, FAR_MS);
    struct entry *second = handed(l, 2, ENTRY_RESEND, 0);
    struct entry *third = handed(l, 3, ENTRY_DEFERRED, 0);
    lane_pump(l);
    assert_int_equal(second->due_ms, first->due_ms);
    assert_int_equal(third->due_ms, first->due_ms);
    assert_int_equal(l->handed_count, 3);
}

/* Given up for now, an entry holds nobody. */
static void one_that_was_tried_often_is_passed(void **state)
{
    struct outbox_lane *l = lane_of(*state);
    struct entry *first = handed(l, 1, ENTRY_UNSURE, FAR_MS);
    first->tries = 5;
    struct entry *second = handed(l, 2, ENTRY_RESEND, 0);
    lane_pump(l);
    assert_true(second->due_ms < first->due_ms); /* it was tried: there is no page */
    assert_int_equal(second->state, ENTRY_RESEND);
}

/* Looking up sends nothing. */
static void what_is_looked_up_waits_for_nobody(void **state)
{
    struct outbox_lane *l = lane_of(*state);
    struct entry *first = handed(l, 1, ENTRY_RESEND, FAR_MS);
    struct entry *second = handed(l, 2, ENTRY_UNSURE, 0);
    lane_pump(l);
    assert_true(second->due_ms < first->due_ms);
    assert_true(second->due_ms > clock_mono_ms()); /* asked, and put off */
}

/* ---- files
 * ----------------------------------------------------------------------------------------- */

static struct entry *queued(struct outbox_lane *l, uint64_t order, const char *to)
{
    struct entry *en = entry_of(order, to);
    en->state = entry_state_known(en);
    list_append(&l->window, &en->link);
    l->window_count++;
    return en;
}

/* The page has the file and uploads it: the next message of the chat waits, another chat does not.
 */
static void behind_a_file_only_its_chat_waits(void **state)
{
    struct outbox_lane *l = lane_of(*state);
    struct entry *file = handed(l, 1, ENTRY_WAITING, FAR_MS);
    file->with_file = true;
    struct entry *text = queued(l, 2, ANN_LID);
    struct entry *again = handed(l, 3, ENTRY_RESEND, 0);
    lane_pump(l);
    assert_ptr_equal(LIST_ENTRY(l->window.next, struct entry, link), text);
    assert_int_equal(l->retry_ms, 0); /* it was not tried */
    assert_true(again->due_ms <= clock_mono_ms() + 250);
    list_remove(&again->link);
    entry_free(again);
    l->handed_count--;
    queued(l, 4, "5500000000000@c.us");
    lane_pump(l);
    assert_true(l->retry_ms > 0); /* that one was: there is no page */

    l->retry_ms = 0;
    file->tries = 5; /* it takes too long: passed */
    struct entry *other = LIST_ENTRY(l->window.prev, struct entry, link);
    list_remove(&other->link);
    entry_free(other);
    l->window_count--;
    lane_pump(l);
    assert_true(l->retry_ms > 0);
}

/* ---- the wall clock
 * ----------------------------------------------------------------------------------------- */

/* Ahead by a year, all in the queue seems to have expired: nothing is failed, nothing is sent late,
 * and what lasts longer passes. Put right, it goes out. */
static void a_clock_that_jumps_ahead_expires_nothing(void **state)
{
    struct outbox_lane *l = lane_of(*state);
    const uint64_t year = UINT64_C(31536000000), wall = clock_wall_ms(), mono = clock_mono_ms();
    clock_fake(wall, mono);
    (void)clock_sure_ms();
    struct entry *first = queued(l, 1, ANN_LID);
    struct entry *again = handed(l, 2, ENTRY_RESEND, 0);
    clock_fake(wall + year, mono);
    assert_false(lane_expired(first));
    lane_pump(l);
    assert_ptr_equal(LIST_ENTRY(l->window.next, struct entry, link), first);
    assert_int_equal(first->tries + again->tries, 0);
    assert_int_equal(l->retry_ms, 0);
    assert_true(again->due_ms > mono);
    assert_true(uv_is_active((uv_handle_t *)&l->timer)); /* it looks again by itself */
    struct entry *lasting = queued(l, 3, ANN_LID);
    lasting->expires_ms = wall + 2 * year;
    lane_pump(l);
    assert_true(l->retry_ms > mono); /* tried: there is no page */
    list_remove(&lasting->link);
    entry_free(lasting);
    l->window_count--;

    clock_fake(wall + 6000, mono + 6000);
    lane_pump(l);
    assert_true(again->due_ms > mono + 6000); /* it was looked at, and tried */
    assert_int_equal(again->state, ENTRY_RESEND);
    clock_fake(wall + FAR_MS, mono + FAR_MS); /* its time has really come */
    assert_true(lane_expired(first));
    clock_fake(0, 0);
}

/* ---- operations
 * ------------------------------------------------------------------------------------ */

static const char *status_of(struct box *x, const char *id)
{
    static char status[32];
    json_t *m = box_get(x, id);
    (void)snprintf(status, sizeof(status), "%s", json_str_or(m, "status", "?"));
    json_decref(m);
    return status;
}

/* What failed after the operation on it was accepted is not asked for at WhatsApp for ever. */
static void an_operation_on_what_never_went_out_fails(void **state)
{
    struct box *x = *state;
    struct box_answer sent = {0}, reaction = {0};
    char body[128];
    box_send(x, "{\"to\":\"+55 11 98888-7777\",\"text\":\"hi\"}", NULL, &sent);
    UNTIL(x, sent.count == 1);
    const char *id = json_str(sent.body, "id");
    (void)snprintf(body, sizeof(body), "{\"reaction\":{\"message_id\":\"%s\",\"emoji\":\"!\"}}",
                   id);
    (void)snprintf(strstr(body, "!"), 16, "\xf0\x9f\x91\x8d\"}}");
    box_send(x, body, NULL, &reaction);
    UNTIL(x, reaction.count == 1);
    assert_int_equal(reaction.err.code, 0);
    outbox_lane_ack(session_lane(x->s), ANN_LID, id, -1, NULL, 0);
    UNTIL(x, strcmp(status_of(x, id), "failed") == 0);

    struct outbox_lane *l = session_lane(x->s);
    struct resolved *known = &l->resolved[0];
    (void)snprintf(known->to, sizeof(known->to), "5511988887777@c.us");
    (void)snprintf(known->chat.id, sizeof(known->chat.id), "%s", ANN_LID);
    known->kind = CHAT_USER;
    l->running = true;
    lane_pump(l);
    const char *operation = json_str(reaction.body, "id");
    UNTIL(x, strcmp(status_of(x, operation), "failed") == 0);
    json_t *m = box_get(x, operation);
    assert_string_equal(json_str(json_obj(m, "error"), "code"), "message_failed");
    json_decref(m);
    json_decref(sent.body);
    json_decref(reaction.body);
}

#define T(f) cmocka_unit_test_setup_teardown(f, box_setup, box_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_is_sent_again_waits_for_an_open_one_before_it),
        T(one_that_was_tried_often_is_passed),
        T(what_is_looked_up_waits_for_nobody),
        T(a_clock_that_jumps_ahead_expires_nothing),
        T(behind_a_file_only_its_chat_waits),
        T(an_operation_on_what_never_went_out_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

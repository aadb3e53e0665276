from rubi.embedded.restarts import LONGEST_PAUSE, MOST, QUICK, Restarts


def test_a_child_that_fails_at_once_is_given_up_after_five_times():
    history, now = Restarts(), 100.0
    answers = []
    for _attempt in range(MOST):
        history.start(now)
        now += 1
        answers.append(history.end(now))
    assert answers == [True] * (MOST - 1) + [False]


def test_the_first_restart_is_at_once_and_then_the_pause_doubles_up_to_a_limit():
    history, pauses = Restarts(), []
    for _attempt in range(8):
        history.start(0.0)
        history.end(0.0)
        pauses.append(history.due)
    assert pauses[:4] == [0.0, 0.2, 0.4, 0.8]
    assert pauses[-1] == LONGEST_PAUSE


def test_a_child_that_lived_long_begins_with_a_clean_slate():
    history = Restarts()
    for _attempt in range(MOST - 1):
        history.start(0.0)
        history.end(1.0)
    history.start(10.0)
    assert history.end(10.0 + QUICK)
    assert history.quick_failures == 1

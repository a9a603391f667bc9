import pytest

from sandbox.faults import Fault, FaultDesk, UnknownFault, parse_faults, split_model


def test_it_reads_several_faults_from_a_models_name():
    model, faults = split_model("gpt-5-mini@slow=0.2@rate_limited=30@no_usage")

    assert model == "gpt-5-mini"
    assert faults == (Fault("slow", "0.2"), Fault("rate_limited", "30"), Fault("no_usage"))


@pytest.mark.parametrize(
    "text", ["rate_limit", "slow", "slow=soon", "usage=5", "usage=5,x", "flaky", "rate_limited=x", "lie"]
)
def test_it_refuses_what_it_does_not_understand(text):
    with pytest.raises(UnknownFault):
        parse_faults(text)


def test_an_order_meets_so_many_matching_calls_and_no_other():
    desk = FaultDesk()
    desk.post({"fault": "server", "times": 2, "vendor": "openai", "model": "a"})

    assert desk.take(vendor="gemini", model="a") == ()
    assert desk.take(vendor="openai", model="b") == ()
    assert desk.take(vendor="openai", model="a", on="models") == ()
    assert desk.take(vendor="openai", model="a") == (Fault("server"),)
    assert desk.take(vendor="openai", model="a") == (Fault("server"),)
    assert desk.take(vendor="openai", model="a") == ()


def test_chaos_is_the_same_for_the_same_seed_and_keeps_to_its_share():
    def run(seed):
        desk = FaultDesk()
        desk.post({"probability": 0.3, "faults": ["server", "rate_limited=1"], "seed": seed})
        return [desk.take(vendor="openai", model="a") for _ in range(1000)]

    first, again, other = run(7), run(7), run(8)

    assert first == again != other
    assert 250 < sum(bool(faults) for faults in first) < 350
    assert set(first) == {(), (Fault("server"),), (Fault("rate_limited", "1"),)}


def test_a_reset_forgets_orders_chaos_and_flakiness():
    desk = FaultDesk()
    desk.post({"fault": "server", "times": 5})
    desk.post({"probability": 1, "faults": ["server"]})
    desk.still_flaky(vendor="openai", model="a", times=1)

    desk.reset()

    assert desk.take(vendor="openai", model="a") == ()
    assert desk.still_flaky(vendor="openai", model="a", times=1)

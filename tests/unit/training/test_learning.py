from diat.training.gates import LAST_RATE, WARM_UP
from diat.training.learning import numbers_of, warmed_cosine


def test_processes_share_the_batches_out_also_when_a_run_goes_on():
    alone = list(numbers_of(0, 6, 0, 1))
    assert alone == list(range(6))
    shares = [numbers_of(*steps, rank, 3) for rank in range(3) for steps in ((0, 4), (4, 6))]
    assert sorted(number for share in shares for number in share) == list(range(18))


def test_the_rate_rises_and_falls():
    rates = [warmed_cosine(step, 4000, WARM_UP, LAST_RATE) for step in range(4000)]
    assert rates[0] < 0.05 and max(rates) > 0.95 and rates[-1] < 0.03

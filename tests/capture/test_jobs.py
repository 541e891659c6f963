"""Jobs that others hand to the camera thread."""

from concurrent.futures import Future

import pytest

from appliance.capture.jobs import Job, Jobs
from appliance.errors import Busy


def test_a_job_after_the_end_is_refused_at_once() -> None:
    jobs = Jobs(lambda: None)
    jobs.close()
    jobs.cancel()
    with pytest.raises(Busy, match="the appliance is stopping"):
        jobs.result(Job(Future(), run=lambda camera: None), timeout=30)
    assert not jobs.waiting

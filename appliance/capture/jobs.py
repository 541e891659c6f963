"""What other threads want the camera thread to do between two frames."""

import queue
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from typing import Any

from appliance.camera.source import Camera
from appliance.errors import Busy, CameraLost, CameraUnavailable
from appliance.frames import Format


@dataclass(slots=True)
class Job:
    """Something to do between two frames: call `run` with the camera, or open the camera anew with `requested`."""

    future: Future[Any]
    run: Callable[[Camera], Any] | None = None
    requested: Format | None = None


class Jobs:
    """The jobs that wait. Others put them in and wait for their results; the camera thread does them or refuses them.

    `wake` is called when there is something new.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._queue: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._wake = wake
        self._closed = False

    @property
    def waiting(self) -> bool:
        """Whether there is a job."""
        return not self._queue.empty()

    def result(self, job: Job, timeout: float) -> Any:
        """Put the job in and return its result.

        Raises what the job raises, and Busy; after `timeout` s CameraUnavailable.
        """
        self._queue.put(job)
        if self._closed:  # asked only now, so that none slips in behind the last `cancel`
            self.cancel()
        self._wake()
        try:
            return job.future.result(timeout)
        except TimeoutError:
            job.future.cancel()
            raise CameraUnavailable("the camera does not answer") from None
        except CancelledError:
            raise Busy("the appliance is stopping") from None

    def run(self, camera: Camera) -> Job | None:
        """Do everything that waits; return a job that wants another format as soon as one comes. Raises CameraLost."""
        while self.waiting:
            job = self._queue.get()
            if not job.future.set_running_or_notify_cancel():
                continue
            if job.requested is not None:
                return job
            try:
                result = job.run(camera) if job.run else None
            except CameraLost as error:
                job.future.set_exception(error)
                raise
            except Exception as error:  # noqa: BLE001  the one who asked gets it, the frames go on
                job.future.set_exception(error)
            else:
                job.future.set_result(result)
        return None

    def refuse(self, refusal: Exception) -> None:
        """Answer everything that waits with this error."""
        while self.waiting:
            job = self._queue.get()
            if job.future.set_running_or_notify_cancel():
                job.future.set_exception(refusal)

    def close(self) -> None:
        """Take no more jobs."""
        self._closed = True

    def cancel(self) -> None:
        """Cancel what nobody will do any more."""
        while self.waiting:
            self._queue.get().future.cancel()

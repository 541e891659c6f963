"""Jobs that other threads give to the camera thread, which runs them between two frames."""

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
    """A job between two frames: call `run` with the camera, or reopen the camera with the format `requested`."""

    future: Future[Any]
    run: Callable[[Camera], Any] | None = None
    requested: Format | None = None


class Jobs:
    """The queue of jobs. Other threads add jobs and wait for the results; the camera thread runs or refuses them.

    `wake` is called when a job was added.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._queue: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._wake = wake
        self._closed = False

    @property
    def waiting(self) -> bool:
        """Whether a job is waiting."""
        return not self._queue.empty()

    def result(self, job: Job, timeout: float) -> Any:
        """Add the job and return its result.

        Raises what the job raises, and Busy; after `timeout` s CameraUnavailable.
        """
        self._queue.put(job)
        if self._closed:  # checked after `put`, so that no job is left behind the last `cancel`
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
        """Run the waiting jobs up to the first that changes the format, and return that one. Raises CameraLost."""
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
            except Exception as error:  # noqa: BLE001  raised in the caller's thread; the frames go on
                job.future.set_exception(error)
            else:
                job.future.set_result(result)
        return None

    def refuse(self, refusal: Exception) -> None:
        """Let all waiting jobs fail with this error."""
        while self.waiting:
            job = self._queue.get()
            if job.future.set_running_or_notify_cancel():
                job.future.set_exception(refusal)

    def close(self) -> None:
        """Accept no more jobs."""
        self._closed = True

    def cancel(self) -> None:
        """Cancel all waiting jobs."""
        while self.waiting:
            self._queue.get().future.cancel()

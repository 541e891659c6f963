"""The requested format, and the job that is changing it."""

from appliance.capture.jobs import Job
from appliance.capture.saved_state import SavedState
from appliance.errors import CameraUnavailable, InvalidValue
from appliance.frames import Format


class FormatChange:
    """Requests another format of the camera, and returns to the former one if the camera cannot deliver it.

    Any thread may read `requested`; everything else belongs to the camera thread.
    """

    def __init__(self, saved_state: SavedState) -> None:
        self.requested = saved_state.format
        self._saved_state = saved_state
        self._pending: tuple[Job, Format] | None = None  # with the former format

    @property
    def is_pending(self) -> bool:
        """Whether a job waits for frames in the requested format."""
        return self._pending is not None

    def begin(self, job: Job, requested: Format) -> None:
        """Request a format. The job ends with `complete`, `roll_back` or `cancel`."""
        self._pending, self.requested = (job, self.requested), requested

    def complete(self) -> None:
        """End the job, if there is one: the camera delivers frames. Save the format if it is another one."""
        if not self._pending:
            return
        (job, former), self._pending = self._pending, None
        if self.requested != former:
            self._saved_state.remember_format(self.requested)
        job.future.set_result(None)

    def roll_back(self, error: CameraUnavailable) -> bool:
        """End the job, if there is one, with the error; return whether to try again with the former format."""
        if not self._pending:
            return False
        failed, (job, self.requested), self._pending = self.requested, self._pending, None
        if failed == self.requested:
            job.future.set_exception(error)
            return False
        job.future.set_exception(format_refusal(failed, error))
        return True

    def cancel(self, error: Exception) -> None:
        """End the job, if there is one, with the error, and return to the former format."""
        if self._pending:
            (job, self.requested), self._pending = self._pending, None
            job.future.set_exception(error)


def format_refusal(requested: Format, error: CameraUnavailable) -> InvalidValue:
    """Return the error of a request for a format that the camera does not have."""
    return InvalidValue(f"the camera cannot do {requested}: {error}")

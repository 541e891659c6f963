"""The facts and counters of the stream."""

from appliance.facts import INTEGER, Counter, Entity, Fact, Metric, whole

FACTS = (
    Fact(
        "viewers",
        INTEGER,
        "The number of viewers of the stream.",
        lambda broadcaster: broadcaster.viewers,
        label="Viewers",
        urgent=whole,
        metric=Metric("viewers", "Viewers of the stream."),
        entities=(Entity("Viewers", icon="mdi:eye", state_class="measurement"),),
    ),
    Fact(
        "max_viewers",
        INTEGER,
        "The maximum number of viewers at the same time.",
        lambda broadcaster: broadcaster.max_viewers,
    ),
    Fact(
        "frames.dropped",
        INTEGER,
        "Frames that were not sent because a viewer was too slow.",
        lambda broadcaster: broadcaster.feed.frames_dropped,
        label="Skipped for slow viewers",
        metric=Metric("frames_dropped", "Frames that were not sent because a viewer was too slow.", "counter"),
        entities=(Entity("Dropped frames", state_class="total_increasing", enabled=False),),
    ),
)
COUNTERS = (
    Counter("frames_sent", "Frames sent to viewers.", lambda broadcaster: broadcaster.feed.frames_sent),
    Counter(
        "bytes_sent",
        "Bytes sent to viewers and listeners.",
        lambda broadcaster: broadcaster.feed.bytes_sent,
    ),
)

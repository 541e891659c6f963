"""What is known of the viewers of the stream."""

from appliance.facts import INTEGER, Counter, Entity, Fact, Metric, whole

FACTS = (
    Fact(
        "viewers",
        INTEGER,
        "How many viewers watch the stream.",
        lambda broadcaster: broadcaster.viewers,
        label="Viewers",
        urgent=whole,
        metric=Metric("viewers", "Viewers of the stream."),
        entities=(Entity("Viewers", icon="mdi:eye", state_class="measurement"),),
    ),
    Fact(
        "max_viewers",
        INTEGER,
        "How many viewers may watch the stream at once.",
        lambda broadcaster: broadcaster.max_viewers,
    ),
    Fact(
        "frames.dropped",
        INTEGER,
        "Frames that were not sent to a viewer that was too slow.",
        lambda broadcaster: broadcaster.feed.frames_dropped,
        label="Skipped for slow viewers",
        metric=Metric("frames_dropped", "Frames that were not sent to a viewer who was too slow.", "counter"),
        entities=(Entity("Dropped frames", state_class="total_increasing", enabled=False),),
    ),
)
COUNTERS = (
    Counter("frames_sent", "Frames that were sent to viewers.", lambda broadcaster: broadcaster.feed.frames_sent),
    Counter(
        "bytes_sent",
        "Bytes that were sent to viewers and listeners.",
        lambda broadcaster: broadcaster.feed.bytes_sent,
    ),
)

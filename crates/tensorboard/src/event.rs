//! The messages of an event file. Source: TensorBoard 2.21, `compat/proto/{event,summary}.proto`.

use prost::Message;

/// `tensorboard.Event`, with the fields that a reader of scalars needs.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    pub wall_time: f64,
    #[prost(int64, tag = "2")]
    pub step: i64,
    #[prost(oneof = "What", tags = "3, 5, 7")]
    pub what: Option<What>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum What {
    /// Only in the first record.
    #[prost(string, tag = "3")]
    FileVersion(String),
    #[prost(message, tag = "5")]
    Summary(Summary),
    #[prost(message, tag = "7")]
    SessionLog(SessionLog),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Summary {
    #[prost(message, repeated, tag = "1")]
    pub value: Vec<Value>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Value {
    #[prost(string, tag = "1")]
    pub tag: String,
    // Part of a `oneof`, so it must be written even when it is 0: otherwise the value would have no
    // kind.
    #[prost(float, required, tag = "2")]
    pub simple_value: f32,
}

/// `SessionLog.START`: drops earlier events at this event's step or later.
pub(crate) const SESSION_START: i32 = 1;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct SessionLog {
    #[prost(int32, tag = "1")]
    pub status: i32,
}

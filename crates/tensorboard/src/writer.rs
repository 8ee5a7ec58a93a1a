//! Writes the scalars of a run as they come.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use kennel_core::{CoreError, EpochRecord, Result, files};
use prost::Message;

use crate::event::{Event, SESSION_START, SessionLog, Summary, Value, What};
use crate::record::frame;

/// TensorBoard recognises an event file by `tfevents` in its name.
const PREFIX: &str = "events.out.tfevents.";
const SUFFIX: &str = ".kennel";

/// Writes a run's scalars as they come.
#[derive(Debug)]
pub struct EventWriter {
    path: PathBuf,
    file: File,
}

impl EventWriter {
    /// Creates `<dir>/events.out.tfevents.<unix seconds>.kennel`, and `dir` if it is missing.
    ///
    /// TensorBoard takes all files of a folder for one run. The new file begins with a mark that
    /// drops what earlier files hold. So a resumed run first calls [`EventWriter::epoch`] for the
    /// epochs in `metrics.jsonl`; each epoch is then drawn once. Earlier files stay: if the file
    /// that it follows is deleted, TensorBoard's Python reader never moves on to the next.
    ///
    /// # Errors
    ///
    /// [`CoreError::Io`] when `dir` cannot be created, listed or written.
    pub fn create(dir: &Path, now: SystemTime) -> Result<Self> {
        files::create_dir_all(dir)?;
        let wall_time = unix_seconds(now);
        // TensorBoard reads files in the order of their names, so the new name must sort last,
        // whatever the clock says.
        let seconds = match latest_in(dir)? {
            Some(latest) => u64::max(latest + 1, wall_time as u64),
            None => wall_time as u64,
        };
        let path = dir.join(format!("{PREFIX}{seconds:010}{SUFFIX}"));
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(&path)
            .map_err(CoreError::io("create", &path))?;
        let mut writer = EventWriter { path, file };
        writer.write(Event {
            wall_time,
            step: 0,
            what: Some(What::FileVersion("brain.Event:2".into())),
        })?;
        // The first file has a `START`, too: each `START` after the first drops what came before
        // it.
        let start = SessionLog { status: SESSION_START };
        writer.write(Event { wall_time, step: 0, what: Some(What::SessionLog(start)) })?;
        Ok(writer)
    }

    /// Appends the scalars of one epoch, with the epoch as step, in a single write. A running
    /// TensorBoard sees them the next time it looks.
    ///
    /// `now` is when the epoch ended. TensorBoard shows it as the points' wall time.
    ///
    /// Differs: values are rounded to f32, which is what TensorBoard stores.
    ///
    /// # Errors
    ///
    /// [`CoreError::Io`] when the file cannot be written. It may then end in part of a record,
    /// which hides later records: create a new `EventWriter` to continue.
    pub fn epoch(&mut self, record: &EpochRecord, now: SystemTime) -> Result<()> {
        let value = scalars(record)
            .map(|(tag, value)| Value { tag: tag.into(), simple_value: value as f32 })
            .collect();
        self.write(Event {
            wall_time: unix_seconds(now),
            step: record.epoch as i64,
            what: Some(What::Summary(Summary { value })),
        })
    }

    fn write(&mut self, event: Event) -> Result<()> {
        self.file
            .write_all(&frame(&event.encode_to_vec()))
            .map_err(CoreError::io("write", &self.path))
    }
}

/// Returns tags and values, in the units of [`EpochRecord`]. TensorBoard groups tags by the part
/// before the slash.
fn scalars(record: &EpochRecord) -> impl Iterator<Item = (&'static str, f64)> {
    let all = [
        ("loss/train", Some(record.train_loss)),
        ("loss/val", record.val_loss),
        ("accuracy/train", record.train_accuracy),
        ("accuracy/val", record.val_accuracy),
        ("learning_rate", Some(record.learning_rate)),
        ("head_update_ratio", Some(record.head_update_ratio)),
        ("images_per_s", Some(record.images_per_s)),
        ("peak_rss_bytes", Some(record.peak_rss_bytes as f64)),
    ];
    all.into_iter().filter_map(|(tag, value)| Some((tag, value?)))
}

/// Returns the latest seconds in the names of the files that an `EventWriter` made in `dir`.
fn latest_in(dir: &Path) -> Result<Option<u64>> {
    let mut latest = None;
    for entry in fs::read_dir(dir).map_err(CoreError::io("read", dir))? {
        let name = entry.map_err(CoreError::io("read", dir))?.file_name();
        latest = latest.max(name.to_str().and_then(seconds_in));
    }
    Ok(latest)
}

fn seconds_in(name: &str) -> Option<u64> {
    // Seconds fit in 32 bits until 2106; a longer number does not come from a clock.
    name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse::<u32>().ok().map(u64::from)
}

/// Returns seconds since 1970, or 0 if the clock is set before 1970.
fn unix_seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).map_or(0.0, |elapsed| elapsed.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Parses a file and checks its checksums.
    fn read_events(path: &Path) -> Vec<Event> {
        let bytes = fs::read(path).unwrap();
        let mut rest = &bytes[..];
        let mut events = Vec::new();
        while !rest.is_empty() {
            let size_bytes = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
            let data = &rest[12..12 + size_bytes];
            assert_eq!(rest[..16 + size_bytes], frame(data));
            events.push(Event::decode(data).unwrap());
            rest = &rest[16 + size_bytes..];
        }
        events
    }

    fn at(unix_seconds: f64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs_f64(unix_seconds)
    }

    #[test]
    fn records_and_events_are_byte_for_byte_those_of_tensorboard() {
        // Written by `RecordWriter` of TensorBoard 2.21.0 from its own `Event` messages.
        let version =
            b"\x18\0\0\0\0\0\0\0\xa3\x7fK\"\x09\0\0 @\xfcT\xd9A\x1a\x0dbrain.Event:2+51\x10";
        let start = b"\x0d\0\0\0\0\0\0\0<7\xb84\x09\0\0 @\xfcT\xd9A:\x02\x08\x01\xa8p\xfd\xd5";
        let scalars = b"3\0\0\0\0\0\0\0\x0c\xa7 V\x09\0\0`@\xfcT\xd9A\x10\x01*&\
            \x0a\x0f\x0a\x08loss/val\x15\0\0\xc0?\
            \x0a\x13\x0a\x0caccuracy/val\x15\0\0\0\0\xfb\xe7\xb8\x96";
        let dir = tempfile::tempdir().unwrap();
        let mut writer = EventWriter::create(dir.path(), at(1_700_000_000.5)).unwrap();
        let value = [("loss/val", 1.5), ("accuracy/val", 0.0)]
            .map(|(tag, simple_value)| Value { tag: tag.into(), simple_value })
            .into();
        let what = Some(What::Summary(Summary { value }));
        writer.write(Event { wall_time: 1_700_000_001.5, step: 1, what }).unwrap();
        assert_eq!(fs::read(&writer.path).unwrap(), [&version[..], start, scalars].concat());
    }

    #[test]
    fn epochs_come_back_with_their_steps_and_all_their_values() {
        let record = |epoch| EpochRecord {
            epoch,
            train_loss: 1.25 / epoch as f64,
            train_accuracy: Some(0.5),
            mixed_labels: false,
            val_loss: Some(0.1),
            val_accuracy: Some(0.0),
            learning_rate: 1e-3,
            head_update_ratio: 0.75,
            elapsed_s: 10.0 * epoch as f64,
            images_per_s: 42.0,
            peak_rss_bytes: 3 << 30,
        };
        let dir = tempfile::tempdir().unwrap();
        let mut writer =
            EventWriter::create(&dir.path().join("tensorboard"), at(1_700_000_000.0)).unwrap();
        for epoch in [1, 2] {
            writer.epoch(&record(epoch), at(1_700_000_000.0 + epoch as f64)).unwrap();
            // Read while the writer is alive, as TensorBoard does.
            assert_eq!(read_events(&writer.path).len(), 2 + epoch);
        }
        let second = read_events(&writer.path).remove(3);
        assert_eq!((second.step, second.wall_time), (2, 1_700_000_002.0));
        let Some(What::Summary(summary)) = second.what else { panic!("{second:?}") };
        let found: Vec<_> =
            summary.value.iter().map(|value| (value.tag.as_str(), value.simple_value)).collect();
        let expected = [
            ("loss/train", 0.625),
            ("loss/val", 0.1),
            ("accuracy/train", 0.5),
            ("accuracy/val", 0.0),
            ("learning_rate", 1e-3),
            ("head_update_ratio", 0.75),
            ("images_per_s", 42.0),
            ("peak_rss_bytes", 3_221_225_472.0),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_later_sitting_has_a_file_that_sorts_after_the_earlier_ones() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["events.out.tfevents.1900000000.elsewhere", "events.out.tfevents.x.kennel"] {
            fs::write(dir.path().join(name), b"").unwrap();
        }
        // The clock is set back after the first file.
        let clock = [1_700_000_000.5, 1_600_000_000.0, 1_800_000_000.0];
        let found = clock.map(|now| EventWriter::create(dir.path(), at(now)).unwrap().path);
        let expected = [1_700_000_000, 1_700_000_001, 1_800_000_000]
            .map(|seconds| dir.path().join(format!("events.out.tfevents.{seconds}.kennel")));
        assert_eq!(found, expected);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 5);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let taken = dir.path().join("tensorboard");
        fs::write(&taken, b"a file").unwrap();
        let error = EventWriter::create(&taken, UNIX_EPOCH).unwrap_err().to_string();
        assert!(error.contains(&taken.display().to_string()), "{error}");
    }
}

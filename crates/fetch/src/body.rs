//! A response body that resumes after a broken connection: with a range request if the server
//! supports it, else from the start.

use std::io::Read;

use kennel_core::Task;
use kennel_core::task::Event;
use ureq::http::header::HeaderMap;

use crate::client::{Client, Follow, check};
use crate::error::{FetchError, Result};
use crate::message::{Answer, Remote};
use crate::retry::{Trouble, retry_after};

/// Where an earlier process stopped.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResumePoint {
    pub offset: u64,
    /// The server's version of the file: its `ETag`, else its `Last-Modified`.
    pub validator: Option<String>,
    pub total: Option<u64>,
}

/// What is known before the first request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Required number of bytes.
    pub size: Option<u64>,
    /// Limit on the bytes received.
    pub max_bytes: u64,
    /// Whether parts may be joined even if the server does not confirm that they belong to one
    /// file. Safe when a digest is checked afterwards.
    pub digest_follows: bool,
}

/// Result of one read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Bytes(usize),
    /// The following bytes begin at the start of the file again.
    StartedOver,
    End,
}

pub(crate) struct Body<'a> {
    client: &'a Client,
    remote: Remote,
    task: Task<'a>,
    limits: Limits,
    position: u64,
    furthest: u64,
    validator: Option<String>,
    total: Option<u64>,
    failures: u32,
    ranges_fail: bool,
    reader: Option<ureq::BodyReader<'static>>,
}

impl<'a> Body<'a> {
    /// Makes no request yet.
    pub fn new(
        client: &'a Client,
        remote: Remote,
        limits: Limits,
        from: ResumePoint,
        task: Task<'a>,
    ) -> Self {
        Self {
            client,
            remote,
            task,
            limits,
            position: from.offset,
            furthest: from.offset,
            validator: from.validator,
            total: from.total,
            failures: 0,
            ranges_fail: false,
            reader: None,
        }
    }

    /// Returns the server's `ETag` or `Last-Modified` of the file.
    pub fn validator(&self) -> Option<&str> {
        self.validator.as_deref()
    }

    /// Returns the total number of bytes, if known.
    pub fn total(&self) -> Option<u64> {
        self.total.or(self.limits.size)
    }

    /// Reads the next bytes, reconnecting after failures that may pass.
    pub fn next(&mut self, buffer: &mut [u8]) -> Result<Piece> {
        loop {
            check(self.task, &self.remote.url)?;
            let Some(reader) = &mut self.reader else {
                if self.position > 0 && self.total == Some(self.position) {
                    return self.end();
                }
                if self.connect()? {
                    self.report();
                    return Ok(Piece::StartedOver);
                }
                continue;
            };
            let trouble = match reader.read(buffer) {
                Ok(0) => {
                    self.reader = None;
                    match self.total {
                        Some(total) if self.position < total => Trouble::passing(format!(
                            "the server promised {total} bytes and sent {}",
                            self.position
                        )),
                        _ => return self.end(),
                    }
                }
                Ok(n) => {
                    self.position += n as u64;
                    self.check_size(self.position)?;
                    if self.position > self.furthest {
                        self.furthest = self.position;
                        self.failures = 0;
                    }
                    self.report();
                    return Ok(Piece::Bytes(n));
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.reader = None;
                    let error = match error.downcast::<ureq::Error>() {
                        Ok(error) => error,
                        Err(error) => ureq::Error::Io(error),
                    };
                    match (Trouble::of_transport(error, &self.remote.url), self.total) {
                        (Trouble::Passing { reason, .. }, Some(total)) => {
                            Trouble::passing(format!(
                                "the server promised {total} bytes and sent {}: {reason}",
                                self.position
                            ))
                        }
                        (trouble, _) => trouble,
                    }
                }
            };
            self.client.pause_or_give_up(
                trouble,
                &mut self.failures,
                &self.remote.url,
                self.task,
            )?;
        }
    }

    /// Requests the missing bytes. Returns `true` when the body begins from the start again.
    fn connect(&mut self) -> Result<bool> {
        let before = self.position;
        loop {
            let can_go_on = self.validator.is_some() || self.limits.digest_follows;
            if self.ranges_fail
                || !can_go_on
                || self.total.is_some_and(|total| self.position > total)
            {
                self.position = 0;
            }
            let ranged = self.position > 0;
            let mut headers = Vec::new();
            if ranged {
                headers.push(("Range", format!("bytes={}-", self.position)));
                headers.extend(self.validator.clone().map(|validator| ("If-Range", validator)));
            }
            let trouble = match self.client.ask(false, &self.remote, &headers, Follow::ToAnyHost) {
                // It was found before, so the failure may pass.
                Err(Trouble::NoServer { reason }) if self.furthest > 0 => Trouble::passing(reason),
                Err(trouble) => trouble,
                Ok(answer) => match answer.status {
                    206 if ranged && self.goes_on(&answer) => {
                        self.accept(answer)?;
                        return Ok(false);
                    }
                    // Another file, or a wrong range: start over without ranges.
                    206 | 416 if ranged => {
                        self.ranges_fail = true;
                        continue;
                    }
                    200 => {
                        self.position = 0;
                        self.validator = validator_of(&answer.headers);
                        self.total = length_of(&answer);
                        self.accept(answer)?;
                        return Ok(before > 0);
                    }
                    206 => {
                        Trouble::passing("the server sends a part where the whole was asked for")
                    }
                    status => Trouble::of_status(&self.remote, status, retry_after(&answer)),
                },
            };
            self.client.pause_or_give_up(
                trouble,
                &mut self.failures,
                &self.remote.url,
                self.task,
            )?;
        }
    }

    /// Whether a part is the requested range of the same file.
    fn goes_on(&mut self, answer: &Answer) -> bool {
        let Some((begin, total)) = answer.header("Content-Range").and_then(parse_content_range)
        else {
            return false;
        };
        let validator = validator_of(&answer.headers);
        let same_file = match (&self.validator, &validator) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => true,
        };
        let same_total = total.is_none() || self.total.is_none() || total == self.total;
        let total = total.or(self.total);
        let right_length = match (length_of(answer), total) {
            (Some(length), Some(total)) => self.position.checked_add(length) == Some(total),
            _ => true,
        };
        let goes_on = begin == self.position && same_file && same_total && right_length;
        if goes_on {
            self.total = total;
            self.validator = self.validator.take().or(validator);
        }
        goes_on
    }

    fn accept(&mut self, answer: Answer) -> Result<()> {
        if let Some(total) = self.total {
            if let Some(expected) = self.limits.size.filter(|&expected| expected != total) {
                return Err(self.length(expected, total));
            }
            self.check_size(total)?;
        }
        self.reader = Some(answer.body.into_with_config().limit(u64::MAX).reader());
        Ok(())
    }

    fn check_size(&self, size: u64) -> Result<()> {
        if size > self.limits.max_bytes {
            let url = self.remote.url.clone();
            return Err(FetchError::TooLarge { url: url.into(), size, max: self.limits.max_bytes });
        }
        match self.total() {
            Some(total) if size > total => Err(self.length(total, size)),
            _ => Ok(()),
        }
    }

    fn end(&mut self) -> Result<Piece> {
        if let Some(expected) = self.limits.size.filter(|&expected| expected != self.position) {
            return Err(self.length(expected, self.position));
        }
        self.total = Some(self.position);
        Ok(Piece::End)
    }

    fn length(&self, promised: u64, sent: u64) -> FetchError {
        let promise =
            if self.limits.size == Some(promised) { "expected" } else { "the server promised" };
        FetchError::Length { url: (&self.remote.url).into(), promise, promised, sent }
    }

    fn report(&self) {
        self.task.tell(Event::Bytes { so_far: self.position, total: self.total() });
    }
}

/// Returns a strong `ETag`, else `Last-Modified`: the values that `If-Range` accepts.
fn validator_of(headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(String::from);
    text("ETag").filter(|etag| etag.starts_with('"')).or_else(|| text("Last-Modified"))
}

fn length_of(answer: &Answer) -> Option<u64> {
    answer.header("Content-Length")?.trim().parse().ok()
}

/// Parses the first byte and the total of `bytes 5-9/10`; the total may be `*`.
fn parse_content_range(value: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = value.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (begin, end) = range.split_once('-')?;
    let (begin, end): (u64, u64) = (begin.trim().parse().ok()?, end.trim().parse().ok()?);
    let total = if total.trim() == "*" { None } else { Some(total.trim().parse().ok()?) };
    (begin <= end && total.is_none_or(|total: u64| end < total)).then_some((begin, total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_is_believed_only_where_it_makes_sense() {
        assert_eq!(parse_content_range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(parse_content_range("bytes 5-9/*"), Some((5, None)));
        for bad in [
            "bytes 5-10/10",
            "bytes 9-5/10",
            "bytes */10",
            "items 5-9/10",
            "bytes 5-9",
            "bytes -1-9/10",
        ] {
            assert_eq!(parse_content_range(bad), None, "{bad}");
        }
    }
}

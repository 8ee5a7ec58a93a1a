//! How much work is taken on.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Limits;
use crate::problem::Problem;

const KIB: usize = 1024;

/// Counts requests in work and the bytes of their bodies.
#[derive(Clone, Debug)]
pub struct Admission {
    requests: Arc<Semaphore>,
    kib: Arc<Semaphore>,
    limits: Limits,
}

/// A request in work. It counts until every clone is dropped: a client that hangs up does not make
/// room for another before its photos are done.
#[derive(Clone, Debug)]
pub struct Admitted {
    _held: Arc<[OwnedSemaphorePermit; 2]>,
}

impl Admission {
    /// Takes on what the limits allow.
    pub fn new(limits: &Limits) -> Self {
        Self {
            requests: Arc::new(Semaphore::new(limits.queue)),
            kib: Arc::new(Semaphore::new(limits.bodies_bytes / KIB)),
            limits: limits.clone(),
        }
    }

    /// Requests in work.
    pub fn in_work(&self) -> usize {
        self.limits.queue - self.requests.available_permits()
    }

    /// Takes a request on, whose body has `length` bytes if that is known.
    ///
    /// # Errors
    ///
    /// 413 for a body that is too large, 429 if there is too much to do.
    pub fn admit(&self, length: Option<u64>) -> Result<Admitted, Problem> {
        let most = self.limits.body_bytes;
        let bytes = length.map_or(Some(most), |length| usize::try_from(length).ok());
        let Some(bytes) = bytes.filter(|bytes| *bytes <= most) else {
            let status = axum::http::StatusCode::PAYLOAD_TOO_LARGE;
            let detail = format!("the body has more than {} MiB", most >> 20);
            return Err(Problem::new(status, detail));
        };
        let kib = u32::try_from(bytes.div_ceil(KIB)).unwrap_or(u32::MAX);
        let requests = self.requests.clone().try_acquire_owned();
        let kib = self.kib.clone().try_acquire_many_owned(kib);
        match (requests, kib) {
            (Ok(request), Ok(kib)) => Ok(Admitted { _held: Arc::new([request, kib]) }),
            _ => Err(Problem::busy("too many photos wait; ask again in a second")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_their_bytes_are_counted_until_they_are_done() {
        let limits =
            Limits { queue: 2, body_bytes: 10 << 10, bodies_bytes: 12 << 10, ..Limits::default() };
        let admission = Admission::new(&limits);
        let first = admission.admit(Some(10 << 10)).unwrap();
        assert!(admission.admit(Some(3 << 10)).is_err(), "the bytes are taken");
        assert!(admission.admit(None).is_err(), "a body of unknown size may be the largest");
        let second = admission.admit(Some(1)).unwrap();
        assert!(admission.admit(Some(0)).is_err(), "two are in work");
        assert_eq!(admission.in_work(), 2);
        let task = first.clone();
        drop(first);
        assert!(admission.admit(Some(0)).is_err(), "its task goes on");
        drop((task, second));
        assert_eq!(admission.in_work(), 0);
        assert!(admission.admit(Some(10 << 10)).is_ok());
        assert!(admission.admit(Some((10 << 10) + 1)).is_err());
        assert!(admission.admit(Some(u64::MAX)).is_err());
    }
}

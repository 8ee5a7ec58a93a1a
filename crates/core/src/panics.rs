//! Catches panics of libraries, so that a damaged file or a missing driver is an error with a
//! reason.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, Once};

thread_local! {
    /// Whether this thread is in [`catch_panic`].
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// What a panic without words says.
const NO_REASON: &str = "it gave no reason";

/// How many calls of [`catch_panics_of_threads`] are running.
static CALLS: AtomicUsize = AtomicUsize::new(0);

/// Messages of panics outside [`catch_panic`], the first [`MOST_MESSAGES`] of the process.
static OTHERS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A library that fails in every step must not fill the memory with it.
const MOST_MESSAGES: usize = 1000;

/// Sees the panics of other threads from its creation on. A GPU library may catch a panic on a
/// thread of its own and go on, with a result that was never written.
#[derive(Clone, Debug)]
pub struct PanicWatch {
    before: usize,
}

impl PanicWatch {
    /// Begins to watch.
    pub fn begin() -> Self {
        install_hook();
        Self { before: OTHERS.lock().map_or(0, |others| others.len()) }
    }

    /// Returns the messages of the panics since, oldest first.
    pub fn seen(&self) -> Vec<String> {
        OTHERS.lock().map_or_else(|_| Vec::new(), |others| others[self.before..].to_vec())
    }
}

/// Runs `work`. If it panics, prints nothing and returns the panic's message.
///
/// # Errors
///
/// The message of the panic.
pub fn catch_panic<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    install_hook();
    let before = IS_CAUGHT.replace(true);
    let done = caught(work);
    IS_CAUGHT.set(before);
    done
}

/// As [`catch_panic`], for a library that works on threads of its own: until `work` returns, no
/// thread prints a panic.
///
/// # Errors
///
/// The message of the first panic, which is the cause of those that follow.
pub fn catch_panics_of_threads<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let watch = PanicWatch::begin();
    CALLS.fetch_add(1, Ordering::SeqCst);
    let done = caught(work);
    CALLS.fetch_sub(1, Ordering::SeqCst);
    done.map_err(|own| watch.seen().into_iter().next().unwrap_or(own))
}

/// Adds to the process's panic hook, once and for good, that caught panics are not printed. A hook
/// that is swapped for each call would get lost when two threads swap it at once.
fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let others = take_hook();
        set_hook(Box::new(move |panic| {
            if let (false, Ok(mut others)) = (IS_CAUGHT.get(), OTHERS.lock())
                && others.len() < MOST_MESSAGES
            {
                others.push(panic.payload_as_str().unwrap_or(NO_REASON).into());
            }
            if !IS_CAUGHT.get() && CALLS.load(Ordering::SeqCst) == 0 {
                others(panic);
            }
        }));
    });
}

fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let words = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or(panic.downcast_ref::<&str>().copied());
        words.unwrap_or(NO_REASON).into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_message() {
        assert_eq!(catch_panic(|| 7), Ok(7));
        assert_eq!(catch_panic(|| -> u8 { panic!("driver {}", 7) }), Err("driver 7".into()));
        assert_eq!(
            catch_panics_of_threads(|| -> u8 { panic!("no driver") }),
            Err("no driver".into())
        );
        let odd = catch_panic(|| -> u8 { std::panic::panic_any(7) });
        assert_eq!(odd, Err("it gave no reason".into()));

        // One test for all that is seen: another one's panics would be seen here, too.
        let watch = PanicWatch::begin();
        let cause = catch_panics_of_threads(|| {
            std::thread::spawn(|| panic!("no libcuda")).join().expect("the thread answers")
        });
        assert_eq!(cause, Err::<(), _>("no libcuda".into()));
        assert_eq!(watch.seen().first().map(String::as_str), Some("no libcuda"));
    }

    #[test]
    fn a_call_inside_another_leaves_the_outer_one_quiet() {
        let outer = catch_panic(|| {
            catch_panic(|| panic!("inner")).unwrap_err();
            IS_CAUGHT.get()
        });
        assert_eq!(outer, Ok(true));
        assert!(!IS_CAUGHT.get());
    }
}

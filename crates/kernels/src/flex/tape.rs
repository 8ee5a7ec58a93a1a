//! What the kernels know about each other's outputs on the autodiff tape.
//!
//! - A layer after a normalisation need not save its input, which can be recomputed: see
//!   [`SavedInput`](super::saved_input::SavedInput).
//! - A tensor with two consumers, such as a residual branch and its shortcut, receives two
//!   gradients. Burn adds them with its own operation, on one thread and, channels last, into new
//!   memory. A kernel that knows that its input already has a gradient adds to it in place.
//!
//! Burn's tensors and nodes have no place for such facts, and its gradients cannot be asked for a
//! node. So a kernel finds the kernel that made its input by the id of the node, in a table. Ids
//! are unique in the process, and so is the table. The steps on the tape own the facts: an entry
//! leaves the table with the last step that knows it, so the tape bounds the table.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::ops::{Backward, NodeGuard, OpsPrep, Tracked};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Flex};
use burn_flex::FlexTensor;

use super::recompute::Recompute;

/// Outputs of kernels by the id of their node. Do not drop an [`Output`] while holding the lock.
static OUTPUTS: Mutex<BTreeMap<u64, Weak<Output>>> = Mutex::new(BTreeMap::new());

fn lock() -> MutexGuard<'static, BTreeMap<u64, Weak<Output>>> {
    OUTPUTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// State of a step.
#[derive(Clone, Debug)]
pub struct Step<S, const N: usize> {
    /// What the operation keeps for its backward pass.
    pub kept: S,
    pub parents: [Parent; N],
    /// Known to other kernels for as long as this step exists.
    _output: Arc<Output>,
}

/// An output of a kernel.
#[derive(Debug)]
struct Output {
    /// Empty until Burn has made the node.
    id: OnceLock<u64>,
    /// Computes it again, if that is cheap.
    again: Option<Weak<dyn Recompute>>,
    /// Whether a kernel has passed it a gradient in the backward pass.
    has_gradient: AtomicBool,
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some(id) = self.id.get() {
            lock().remove(id);
        }
    }
}

/// A parent of a step: an output of another kernel, or, if empty, a leaf, a constant or the result
/// of one of Burn's operations.
#[derive(Clone, Debug)]
pub struct Parent(Option<Arc<Output>>);

impl Parent {
    /// What computes the tensor again, if that is cheap.
    pub fn again(&self) -> Option<Arc<dyn Recompute>> {
        self.0.as_ref()?.again.as_ref()?.upgrade()
    }

    /// Marks the tensor as having a gradient from a kernel. Returns whether it had one before.
    pub fn mark_gradient(&self) -> bool {
        self.0.as_ref().is_some_and(|output| output.has_gradient.swap(true, Ordering::Relaxed))
    }
}

/// Finds the parents of an operation.
pub fn parents<const N: usize>(nodes: &[NodeGuard; N]) -> [Parent; N] {
    let outputs = lock();
    nodes.each_ref().map(|node| Parent(outputs.get(&node.id().value).and_then(Weak::upgrade)))
}

/// Puts an operation with the output `y` on the tape. `again` computes `y` again, if that is cheap.
pub fn record<O, S, C, const N: usize>(
    prepared: OpsPrep<O, Flex, Step<S, N>, C, N, Tracked>,
    parents: [Parent; N],
    kept: S,
    y: FlexTensor,
    again: Option<&Arc<dyn Recompute>>,
) -> FloatTensor<Autodiff<Flex, C>>
where
    O: Backward<Flex, N, State = Step<S, N>>,
    S: Clone + Send + Debug + 'static,
    C: CheckpointStrategy,
{
    let again = again.map(Arc::downgrade);
    let output =
        Arc::new(Output { id: OnceLock::new(), again, has_gradient: AtomicBool::new(false) });
    let y = prepared.finish(Step { kept, parents, _output: Arc::clone(&output) }, y);
    let id = *output.id.get_or_init(|| y.id().value);
    lock().insert(id, Arc::downgrade(&output));
    y
}

/// Whether the table has an entry for the node.
#[cfg(test)]
pub fn is_known(id: u64) -> bool {
    lock().contains_key(&id)
}

//! L-BFGS: minimises a smooth convex function.
//!
//! Source: Nocedal & Wright 2006, "Numerical Optimization", algorithm 7.4, with the scaling (7.20);
//! the step length by bisection between the weak Wolfe conditions, Lewis & Overton 2013, "Nonsmooth
//! optimization via quasi-Newton methods", algorithm 2.6. Most iterations take the first step, so
//! an iteration costs one evaluation.
//!
//! The crate argmin (0.11) has L-BFGS, too, but asks for value and gradient in separate calls. Here
//! each call would read all features, and both come from one reading.

use std::collections::VecDeque;

use kennel_core::{Stopped, Task};

use crate::lanes::{add_scaled, dot};

/// Pairs of steps and changes of the gradient that are remembered.
const MEMORY: usize = 10;

/// Weak Wolfe conditions: sufficient decrease, and flatter by this share.
const DECREASE: f64 = 1e-4;
const FLATTER: f64 = 0.9;

/// What sums in another order differ by, as a share.
const ROUNDING: f64 = 1e-14;

/// Evaluations per step length. A step that needs more has met the limit of f64.
const TRIES: usize = 30;

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The largest component of the gradient at the end.
    pub tolerance: f64,
    /// Iterations at most.
    pub iterations: usize,
}

/// How a search ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    /// The largest component of the gradient.
    pub gradient: f64,
    /// Evaluations of the function.
    pub evaluations: usize,
}

/// Moves `x` to the minimum of `function`, which returns its value and writes its gradient.
/// Lengths must be padded to whole lanes.
pub(crate) fn minimise(
    x: &mut [f64],
    limits: Limits,
    task: Task<'_>,
    mut function: impl FnMut(&[f64], &mut [f64]) -> f64,
) -> Result<Ended, Stopped> {
    let mut gradient = vec![0.0; x.len()];
    let mut value = function(x, &mut gradient);
    let mut evaluations = 1;
    let mut memory: VecDeque<Pair> = VecDeque::with_capacity(MEMORY);
    let mut direction = vec![0.0; x.len()];
    let mut next = x.to_vec();
    let mut next_gradient = vec![0.0; x.len()];
    for _ in 0..limits.iterations {
        task.check()?;
        if largest(&gradient) <= limits.tolerance {
            break;
        }
        descend(&memory, &gradient, &mut direction);
        let slope = dot(&direction, &gradient);
        let (mut low, mut high) = (0.0, f64::INFINITY);
        // Nothing is known about the function yet: a step of length 1.
        let mut step = if memory.is_empty() { 1.0 / dot(&gradient, &gradient).sqrt() } else { 1.0 };
        let mut accepted = None;
        for _ in 0..TRIES {
            next.copy_from_slice(x);
            add_scaled(&mut next, step, &direction);
            let next_value = function(&next, &mut next_gradient);
            evaluations += 1;
            let next_slope = dot(&direction, &next_gradient);
            // NaN and infinity are no decrease either. Where the decrease is below the rounding of
            // the value, the slope decides: Hager & Zhang 2005, (4.1), the approximate condition.
            let is_lower = next_value <= value + DECREASE * step * slope
                || next_value <= value + ROUNDING * value.abs()
                    && next_slope <= (2.0 * DECREASE - 1.0) * slope;
            if is_lower && next_slope >= FLATTER * slope {
                accepted = Some(next_value);
                break;
            }
            if is_lower {
                low = step;
            } else {
                high = step;
            }
            step = if high.is_finite() { low.midpoint(high) } else { 2.0 * step };
        }
        let Some(next_value) = accepted else { break };
        let mut pair = if memory.len() == MEMORY { memory.pop_front() } else { None }
            .unwrap_or_else(|| Pair::new(x.len()));
        pair.set(x, &next, &gradient, &next_gradient);
        memory.push_back(pair);
        x.copy_from_slice(&next);
        std::mem::swap(&mut gradient, &mut next_gradient);
        value = next_value;
    }
    Ok(Ended { gradient: largest(&gradient), evaluations })
}

/// A step, and how it changed the gradient.
struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    /// `1 / (step . change)`.
    rho: f64,
}

impl Pair {
    fn new(length: usize) -> Self {
        Pair { step: vec![0.0; length], change: vec![0.0; length], rho: 0.0 }
    }

    fn set(&mut self, x: &[f64], next: &[f64], gradient: &[f64], next_gradient: &[f64]) {
        difference(next, x, &mut self.step);
        difference(next_gradient, gradient, &mut self.change);
        self.rho = 1.0 / dot(&self.step, &self.change);
    }
}

/// Writes the quasi-Newton direction at `gradient`, downhill.
fn descend(memory: &VecDeque<Pair>, gradient: &[f64], direction: &mut [f64]) {
    for (direction, gradient) in direction.iter_mut().zip(gradient) {
        *direction = -gradient;
    }
    let mut alphas = [0.0; MEMORY];
    for (pair, alpha) in memory.iter().zip(&mut alphas).rev() {
        *alpha = pair.rho * dot(&pair.step, direction);
        add_scaled(direction, -*alpha, &pair.change);
    }
    if let Some(last) = memory.back() {
        let curvature = 1.0 / (last.rho * dot(&last.change, &last.change));
        direction.iter_mut().for_each(|value| *value *= curvature);
    }
    for (pair, alpha) in memory.iter().zip(&alphas) {
        let beta = pair.rho * dot(&pair.change, direction);
        add_scaled(direction, alpha - beta, &pair.step);
    }
}

fn difference(a: &[f64], b: &[f64], out: &mut [f64]) {
    for (out, (a, b)) in out.iter_mut().zip(a.iter().zip(b)) {
        *out = a - b;
    }
}

fn largest(gradient: &[f64]) -> f64 {
    gradient.iter().fold(0.0, |largest, value| largest.max(value.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { tolerance: 1e-10, iterations: 500 };

    /// Curvatures from 1 to 100.
    fn bowl(x: &[f64], gradient: &mut [f64]) -> f64 {
        let mut value = 0.0;
        for (i, (x, gradient)) in x.iter().zip(gradient).enumerate() {
            let curvature = 10.0_f64.powf(2.0 * i as f64 / 31.0);
            *gradient = curvature * (x - 3.0);
            value += curvature / 2.0 * (x - 3.0) * (x - 3.0);
        }
        value
    }

    #[test]
    fn the_minimum_of_a_narrow_valley_is_found() {
        let mut x = vec![0.0; 32];
        let ended = minimise(&mut x, LIMITS, Task::unwatched(), bowl).unwrap();
        assert!(x.iter().all(|x| (x - 3.0).abs() < 1e-9), "{x:?}");
        assert!(ended.gradient < 1e-10 && ended.evaluations < 200, "{ended:?}");
    }

    #[test]
    fn a_search_that_starts_at_the_minimum_stays_there() {
        let mut x = vec![3.0; 32];
        let ended = minimise(&mut x, LIMITS, Task::unwatched(), bowl).unwrap();
        assert_eq!((x, ended.evaluations), (vec![3.0; 32], 1));
    }

    #[test]
    fn a_stopped_task_stops_the_search() {
        let stop = std::sync::atomic::AtomicBool::new(true);
        let task = Task::new(&stop, &|_| {});
        assert_eq!(minimise(&mut [0.0; 32], LIMITS, task, bowl).unwrap_err(), Stopped);
    }
}

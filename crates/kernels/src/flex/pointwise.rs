//! Values and slopes of the activations, one element at a time, in a form that the compiler
//! vectorises.

use crate::types::Activation;

/// A function of one number.
pub trait Pointwise: Send + Sync {
    fn value(z: f32) -> f32;
    fn slope(z: f32) -> f32;
}

/// Runs `$body` with `$A` as the type of the activation.
macro_rules! with_activation {
    ($activation:expr, $A:ident => $body:expr) => {{
        use $crate::flex::pointwise as kinds;
        match $activation {
            $crate::types::Activation::Identity => {
                type $A = kinds::Identity;
                $body
            }
            $crate::types::Activation::Relu => {
                type $A = kinds::Relu;
                $body
            }
            $crate::types::Activation::Relu6 => {
                type $A = kinds::Relu6;
                $body
            }
            $crate::types::Activation::Silu => {
                type $A = kinds::Silu;
                $body
            }
            $crate::types::Activation::HardSwish => {
                type $A = kinds::HardSwish;
                $body
            }
            $crate::types::Activation::Sigmoid => {
                type $A = kinds::Sigmoid;
                $body
            }
            $crate::types::Activation::HardSigmoid => {
                type $A = kinds::HardSigmoid;
                $body
            }
            $crate::types::Activation::Gelu => {
                type $A = kinds::Gelu;
                $body
            }
            $crate::types::Activation::GeluTanh => {
                type $A = kinds::GeluTanh;
                $body
            }
        }
    }};
}
pub(crate) use with_activation;

/// Whether the slope follows from the activated value alone: see [`slope_from_value`].
pub fn has_slope_from_value(activation: Activation) -> bool {
    !matches!(
        activation,
        Activation::Silu | Activation::HardSwish | Activation::Gelu | Activation::GeluTanh
    )
}

/// Slope where the activated value is `y`.
#[inline(always)]
pub fn slope_from_value(activation: Activation, y: f32) -> f32 {
    match activation {
        Activation::Identity => 1.0,
        Activation::Relu => within(y > 0.0),
        Activation::Relu6 => within(y > 0.0 && y < 6.0),
        Activation::Sigmoid => y * (1.0 - y),
        Activation::HardSigmoid => within(y > 0.0 && y < 1.0) / 6.0,
        Activation::Silu | Activation::HardSwish | Activation::Gelu | Activation::GeluTanh => {
            unreachable!("one value, two slopes")
        }
    }
}

#[inline(always)]
fn within(is: bool) -> f32 {
    if is { 1.0 } else { 0.0 }
}

pub struct Identity;
impl Pointwise for Identity {
    #[inline(always)]
    fn value(z: f32) -> f32 {
        z
    }
    #[inline(always)]
    fn slope(_: f32) -> f32 {
        1.0
    }
}

pub struct Relu;
impl Pointwise for Relu {
    #[inline(always)]
    fn value(z: f32) -> f32 {
        // Not `max`, which would hide a NaN.
        if z < 0.0 { 0.0 } else { z }
    }
    #[inline(always)]
    fn slope(z: f32) -> f32 {
        within(z > 0.0)
    }
}

pub struct Relu6;
impl Pointwise for Relu6 {
    #[inline(always)]
    fn value(z: f32) -> f32 {
        z.clamp(0.0, 6.0)
    }
    #[inline(always)]
    fn slope(z: f32) -> f32 {
        within(z > 0.0) * within(z < 6.0)
    }
}

pub struct Silu;
impl Pointwise for Silu {
    #[inline(always)]
    fn value(z: f32) -> f32 {
        z * sigmoid(z)
    }
    #[inline(always)]
    fn slope(z: f32) -> f32 {
        let s = sigmoid(z);
        s * (1.0 + z * (1.0 - s))
    }
}

pub struct HardSwish;
impl Pointwise for HardSwish {
    #[inline(always)]
    fn value(z: f32) -> f32 {
        z * HardSigmoid::value(z)
    }
    #[inline(always)]
    fn slope(z: f32) -> f32 {
        within(z > -3.0) * (within(z >= 3.0) + within(z < 3.0) * (z / 3.0 + 0.5))
    }
}

pub struct Sigmoid;
impl Pointwise for Sigmoid {
    #[inline(always)]
    fn value(z: f32) -> f32 {
        sigmoid(z)
    }
    #[inline(always)]
    fn slope(z: f32) -> f32 {
        let s = sigmoid(z);
        s * (1.0 - s)
    }
}

pub struct HardSigmoid;
impl Pointwise for HardSigmoid {
    #[inline(always)]
    fn value(z: f32) -> f32 {
        (z + 3.0).clamp(0.0, 6.0) / 6.0
    }
    #[inline(always)]
    fn slope(z: f32) -> f32 {
        within(z > -3.0) * within(z < 3.0) / 6.0
    }
}

/// `z Phi(z)`, off by at most 1.4e-7 for `z` in [-1, 1] and by 1.4e-7 of `|z|` beyond (measured at
/// two million points; PyTorch 2.15 is off by 3.8e-7). The slope is off by at most 2.7e-7.
pub struct Gelu;
impl Pointwise for Gelu {
    #[inline(always)]
    fn value(z: f32) -> f32 {
        z * normal(z).0
    }
    #[inline(always)]
    fn slope(z: f32) -> f32 {
        // 1 / sqrt(2 pi).
        const DENSITY_AT_0: f32 = 0.398_942_3;
        let (below, falloff) = normal(z);
        below + z * falloff * DENSITY_AT_0
    }
}

/// `z (1 + tanh(u)) / 2 = z sigmoid(2 u)` with `u = sqrt(2 / pi) (z + 0.044715 z^3)`.
pub struct GeluTanh;
impl GeluTanh {
    /// `2 sqrt(2 / pi)`, and the same times 0.044715.
    const LINEAR: f32 = 1.595_769;
    const CUBIC: f32 = 0.071_354_814;
}
impl Pointwise for GeluTanh {
    #[inline(always)]
    fn value(z: f32) -> f32 {
        z * sigmoid(z * (Self::LINEAR + Self::CUBIC * (z * z)))
    }
    #[inline(always)]
    fn slope(z: f32) -> f32 {
        let square = z * z;
        let s = sigmoid(z * (Self::LINEAR + Self::CUBIC * square));
        s + z * (s * (1.0 - s)) * (Self::LINEAR + 3.0 * Self::CUBIC * square)
    }
}

/// `Phi(z)`, the share of the standard normal distribution below `z`, and `exp(-z^2 / 2)`.
///
/// `Phi(-a) = exp(-a^2 / 2) P(t)` with `t = 1 / (1 + 0.29 a)` (the form of Abramowitz and Stegun,
/// 26.2.17). The six coefficients of `P` are a minimax fit with an error of 3.2e-8 of `a Phi(-a)`;
/// with roundings `Phi` is off by at most 2.5e-7.
#[inline(always)]
fn normal(z: f32) -> (f32, f32) {
    let a = z.abs();
    let t = 1.0 / (1.0 + 0.29 * a);
    let mut p = -0.089_608_13_f32;
    p = p * t + 0.287_310_72;
    p = p * t - 0.095_732_555;
    p = p * t + 0.180_369_69;
    p = p * t + 0.100_906_946;
    p = p * t + 0.116_753_28;
    let falloff = exp(-0.5 * (a * a));
    let beyond = falloff * (p * t);
    (if z < 0.0 { beyond } else { 1.0 - beyond }, falloff)
}

#[inline(always)]
fn sigmoid(z: f32) -> f32 {
    1.0 / (1.0 + exp(-z))
}

/// `e^x` with a relative error of 2e-7: `2^n e^r` with `|r| <= ln(2) / 2` and the polynomial of the
/// Cephes library (S. Moshier, `expf`). Clamps `x` to `[-87.3, 88.3]`.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.3, 88.3);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    // ln(2) in two parts: the first has so few bits that its product with n is exact.
    let r = (x - n * (355.0 / 512.0)) + n * 2.121_944_4e-4;
    let mut p = 1.987_569_1e-4_f32;
    p = p * r + 1.398_199_9e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 0.5;
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000));
    (p * r * r + r + 1.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_exact_to_a_few_roundings() {
        let worst = (-87_000..88_000)
            .map(|i| i as f32 * 1e-3)
            .map(|x| (f64::from(exp(x)) / f64::from(x).exp() - 1.0).abs())
            .fold(0.0, f64::max);
        assert!(worst < 3e-7, "{worst:e}");
    }

    #[test]
    fn slopes_are_those_of_the_values() {
        fn check<A: Pointwise>() {
            for i in -100..100 {
                let z = i as f32 * 0.083 + 0.017;
                let step = 1e-2;
                let found = (A::value(z + step) - A::value(z - step)) / (2.0 * step);
                // A kink inside the step makes the difference meaningless.
                let kink = [-3.0, 0.0, 3.0, 6.0].iter().any(|k| (z - k).abs() <= step);
                assert!(
                    kink || (found - A::slope(z)).abs() < 1e-3,
                    "{z}: {found} and {}",
                    A::slope(z)
                );
            }
        }
        check::<Identity>();
        check::<Relu>();
        check::<Relu6>();
        check::<Silu>();
        check::<HardSwish>();
        check::<Sigmoid>();
        check::<HardSigmoid>();
        check::<Gelu>();
        check::<GeluTanh>();
    }

    #[test]
    fn gelu_is_exact_to_a_few_roundings() {
        // `erf` by its Maclaurin series, in f64.
        let normal = |z: f64| {
            let (x, mut term, mut sum) = (z / 2_f64.sqrt(), z / 2_f64.sqrt(), 0.0);
            for n in 0..200 {
                sum += term / f64::from(2 * n + 1);
                term *= -x * x / f64::from(n + 1);
            }
            0.5 + sum / std::f64::consts::PI.sqrt()
        };
        let density = |z: f64| (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let (mut value, mut slope) = (0.0_f64, 0.0_f64);
        for z in (-50_000..50_000).map(|i| i as f32 * 1e-4 + 3.3e-5) {
            let exact = f64::from(z);
            let scale = exact.abs().max(1.0);
            let wanted = exact * normal(exact);
            value = value.max((f64::from(Gelu::value(z)) - wanted).abs() / scale);
            let wanted = normal(exact) + exact * density(exact);
            slope = slope.max((f64::from(Gelu::slope(z)) - wanted).abs() / scale);
        }
        assert!(value < 1.5e-7 && slope < 3e-7, "value {value:e}, slope {slope:e}");
        assert_eq!((Gelu::value(0.0), Gelu::value(40.0)), (0.0, 40.0));
        // The exponential ends at 1e-38, not at zero.
        assert!(Gelu::value(-40.0).abs() < 1e-37);
        assert!(Gelu::value(f32::NAN).is_nan() && GeluTanh::value(f32::NAN).is_nan());
    }
}

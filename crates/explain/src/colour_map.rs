//! The colours of heat.

/// matplotlib 3.11's `viridis` at 33 even steps (Smith and van der Walt 2015, CC0): equal steps of
/// heat are equal steps of lightness, also for readers who see no red or no green. Between them,
/// interpolation is at most two levels off.
const VIRIDIS: [[u8; 3]; 33] = [
    [68, 1, 84],
    [71, 13, 96],
    [72, 24, 106],
    [72, 35, 116],
    [71, 45, 123],
    [69, 55, 129],
    [66, 64, 134],
    [62, 73, 137],
    [59, 82, 139],
    [55, 91, 141],
    [51, 99, 141],
    [47, 107, 142],
    [44, 114, 142],
    [41, 122, 142],
    [38, 130, 142],
    [35, 137, 142],
    [33, 145, 140],
    [31, 151, 139],
    [31, 159, 136],
    [33, 166, 133],
    [39, 173, 129],
    [49, 181, 123],
    [61, 188, 116],
    [76, 194, 108],
    [92, 200, 99],
    [110, 206, 88],
    [129, 211, 77],
    [149, 216, 64],
    [170, 220, 50],
    [192, 223, 37],
    [213, 226, 26],
    [234, 229, 26],
    [253, 231, 37],
];

/// Returns the colour of a heat in [0, 1], from dark blue to yellow.
pub fn colour(heat: f32) -> [u8; 3] {
    let at = heat.clamp(0.0, 1.0) * (VIRIDIS.len() - 1) as f32;
    let low = (at as usize).min(VIRIDIS.len() - 2);
    let mix = |channel: usize| {
        let (from, to) = (f32::from(VIRIDIS[low][channel]), f32::from(VIRIDIS[low + 1][channel]));
        (from + (to - from) * (at - low as f32)).round() as u8
    };
    [mix(0), mix(1), mix(2)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lightness L* of CIELAB, white being 100.
    fn lightness(colour: [u8; 3]) -> f64 {
        let linear = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        let [red, green, blue] = colour.map(linear);
        116.0 * (0.2126 * red + 0.7152 * green + 0.0722 * blue).cbrt() - 16.0
    }

    #[test]
    fn equal_steps_of_heat_are_equal_steps_of_lightness() {
        let steps = 20;
        let light = |step: u32| lightness(colour(step as f32 / steps as f32));
        let mean = (light(steps) - light(0)) / f64::from(steps);
        assert!(mean > 3.0, "{mean}");
        for step in 0..steps {
            let found = light(step + 1) - light(step);
            assert!((found - mean).abs() < 0.4 * mean, "step {step}: {found}, the mean is {mean}");
        }
    }

    #[test]
    fn heat_beyond_its_bounds_has_the_colour_of_the_bound() {
        assert_eq!((colour(-1.0), colour(2.0)), (colour(0.0), colour(1.0)));
    }
}

//! What goes into a graph, and what comes out.

/// An input of a graph.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Name of the input.
    pub name: &'a str,
    /// Shape of the tensor.
    pub shape: &'a [usize],
    /// Elements, row-major.
    pub values: Values<'a>,
}

/// The elements of an input.
#[derive(Clone, Copy, Debug)]
pub enum Values<'a> {
    /// 32-bit floats.
    Floats(&'a [f32]),
    /// Bytes.
    Bytes(&'a [u8]),
}

/// An output of a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Shape of the tensor.
    pub shape: Vec<usize>,
    /// Elements, row-major; integers are converted to floats.
    pub values: Vec<f32>,
}

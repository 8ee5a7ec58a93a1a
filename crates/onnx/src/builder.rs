//! Builds a graph node by node.

use crate::proto::{
    ATTRIBUTE_FLOAT, ATTRIBUTE_INT, ATTRIBUTE_INTS, ATTRIBUTE_STRING, AttributeProto,
    DimensionProto, ElementType, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    TensorProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
};

/// Operator set of the graphs. 18 has every operator needed, and ONNX Runtime has supported it
/// since 1.14 (2023). A newer one would only run in fewer places.
pub const OPSET: i64 = 18;
/// IR version for this operator set.
const IR_VERSION: i64 = 8;

/// Builds a graph. Every node has one output, with the same name as the node.
#[derive(Clone, Debug, Default)]
pub struct GraphBuilder {
    graph: GraphProto,
}

/// An extent in the shape of an input or output.
#[derive(Clone, Copy, Debug)]
pub enum Extent {
    /// A fixed extent.
    Fixed(usize),
    /// A dynamic extent, with the name of its axis.
    Named(&'static str),
}

impl GraphBuilder {
    /// Starts an empty graph.
    pub fn new(name: &str) -> Self {
        Self { graph: GraphProto { name: name.into(), ..GraphProto::default() } }
    }

    /// Starts from an existing graph.
    pub fn from_graph(graph: GraphProto) -> Self {
        Self { graph }
    }

    /// Adds a node and returns the name of its output.
    pub fn node(
        &mut self,
        op: &str,
        name: &str,
        inputs: &[&str],
        attributes: impl IntoIterator<Item = AttributeProto>,
    ) -> String {
        self.graph.node.push(node(op, name, inputs, attributes));
        name.into()
    }

    /// Appends existing nodes.
    pub fn append(&mut self, nodes: Vec<NodeProto>) {
        self.graph.node.extend(nodes);
    }

    /// Adds f32 constants and returns their name.
    pub fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) -> String {
        self.constant(float_tensor(name, shape, values))
    }

    /// Adds a vector of i64 constants and returns its name.
    pub fn ints(&mut self, name: &str, values: &[i64]) -> String {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(raw_tensor(name, &[values.len()], ElementType::Int64, bytes))
    }

    /// Adds an i64 scalar and returns its name.
    pub fn int(&mut self, name: &str, value: i64) -> String {
        self.constant(raw_tensor(name, &[], ElementType::Int64, value.to_le_bytes().into()))
    }

    /// Adds any constant and returns its name.
    pub fn constant(&mut self, tensor: TensorProto) -> String {
        let name = tensor.name.clone();
        self.graph.initializer.push(tensor);
        name
    }

    /// Declares an input.
    pub fn input(&mut self, name: &str, element: ElementType, shape: &[Extent]) {
        self.graph.input.push(value_info(name, element, shape));
    }

    /// Declares the output of the node `name` as an output of the graph.
    pub fn output(&mut self, name: &str, element: ElementType, shape: &[Extent]) {
        self.graph.output.push(value_info(name, element, shape));
    }

    /// Returns the graph.
    pub fn finish(self) -> GraphProto {
        self.graph
    }
}

/// Wraps a graph in a model without metadata.
pub fn model(graph: GraphProto) -> ModelProto {
    ModelProto {
        ir_version: IR_VERSION,
        producer_name: "kennel".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        doc_string: String::new(),
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
        metadata_props: Vec::new(),
    }
}

/// A node with one output, which has the same name as the node.
pub fn node(
    op: &str,
    name: &str,
    inputs: &[&str],
    attributes: impl IntoIterator<Item = AttributeProto>,
) -> NodeProto {
    NodeProto {
        input: inputs.iter().map(|input| input.to_string()).collect(),
        output: vec![name.into()],
        name: name.into(),
        op_type: op.into(),
        attribute: attributes.into_iter().collect(),
        domain: String::new(),
    }
}

/// An f32 constant.
pub fn float_tensor(name: &str, shape: &[usize], values: &[f32]) -> TensorProto {
    assert_eq!(shape.iter().product::<usize>(), values.len(), "shape of {name}");
    let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    raw_tensor(name, shape, ElementType::Float, bytes)
}

/// A constant from its little-endian bytes.
pub fn raw_tensor(
    name: &str,
    shape: &[usize],
    element: ElementType,
    bytes: Vec<u8>,
) -> TensorProto {
    TensorProto {
        dims: shape.iter().map(|&extent| extent as i64).collect(),
        data_type: element as i32,
        name: name.into(),
        raw_data: bytes,
        ..TensorProto::default()
    }
}

/// Values of an f32 constant; `None` for other types and for external data.
pub fn float_values(tensor: &TensorProto) -> Option<Vec<f32>> {
    if tensor.data_type != ElementType::Float as i32 || tensor.data_location != 0 {
        return None;
    }
    Some(
        tensor.raw_data.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
    )
}

fn value_info(name: &str, element: ElementType, shape: &[Extent]) -> ValueInfoProto {
    let dim = |extent: &Extent| match extent {
        Extent::Fixed(value) => DimensionProto { dim_value: Some(*value as i64), dim_param: None },
        Extent::Named(name) => DimensionProto { dim_value: None, dim_param: Some((*name).into()) },
    };
    let shape = TensorShapeProto { dim: shape.iter().map(dim).collect() };
    let tensor_type = TensorTypeProto { elem_type: element as i32, shape: Some(shape) };
    ValueInfoProto {
        name: name.into(),
        r#type: Some(TypeProto { tensor_type: Some(tensor_type), sequence_type: None }),
    }
}

/// An integer attribute.
pub fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        i: value,
        r#type: ATTRIBUTE_INT,
        ..AttributeProto::default()
    }
}

/// An attribute that is a list of integers.
pub fn ints(name: &str, values: &[i64]) -> AttributeProto {
    let ints = values.to_vec();
    AttributeProto { name: name.into(), ints, r#type: ATTRIBUTE_INTS, ..AttributeProto::default() }
}

/// A text attribute.
pub fn string(name: &str, value: &str) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        s: value.as_bytes().to_vec(),
        r#type: ATTRIBUTE_STRING,
        ..AttributeProto::default()
    }
}

/// A float attribute.
pub fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        f: value,
        r#type: ATTRIBUTE_FLOAT,
        ..AttributeProto::default()
    }
}

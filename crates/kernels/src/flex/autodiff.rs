//! Backward passes. What only a parent without gradient would need is neither kept nor computed.

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Flex};
use burn_flex::FlexTensor;

use super::batch_norm::{NormConstants, Normalisation};
use super::channels;
use super::conv::{self, Geometry};
use super::elementwise;
use super::kernels::Kernels;
use super::nhwc::{self, ChannelsLast, Dims};
use super::normalised::Normalised;
use super::pooling::{self, Window};
use super::recompute::Recompute;
use super::register::{first_gradient, register};
use super::saved_input::SavedInput;
use super::tape::{self, Step};
use crate::types::{Activation, ConvSpec};

type Tracked<C> = FloatTensor<Autodiff<Flex, C>>;

impl<C: CheckpointStrategy> Kernels for Autodiff<Flex, C> {
    fn kernel_conv2d(x: Tracked<C>, weight: Tracked<C>, spec: ConvSpec) -> Tracked<C> {
        #[derive(Debug)]
        struct Conv;
        #[derive(Clone, Debug)]
        struct Kept {
            /// Kept if the weight takes a gradient.
            x: Option<SavedInput>,
            /// Kept if the input takes a gradient.
            weight: Option<FlexTensor>,
            geometry: Geometry,
        }
        impl Backward<Flex, 2> for Conv {
            type State = Step<Kept, 2>;
            fn backward(
                self,
                ops: Ops<Self::State, 2>,
                grads: &mut Gradients,
                _: &mut Checkpointer,
            ) {
                let [x_node, weight_node] = ops.parents;
                let gradient = ChannelsLast::new(grads.consume::<Flex>(&ops.node));
                let Step { kept: Kept { x, weight, geometry }, parents: [x_parent, _], .. } =
                    ops.state;
                if let (Some(node), Some(x)) = (weight_node, x) {
                    grads
                        .register::<Flex>(node.id, conv::weight_gradient(&gradient, &x, &geometry));
                }
                if let (Some(node), Some(weight)) = (x_node, weight) {
                    register!(
                        grads,
                        node,
                        x_parent,
                        conv::input_gradient(&gradient, &weight, &geometry)
                    );
                }
            }
        }
        let (x_is_tracked, weight_is_tracked) = (x.is_tracked(), weight.is_tracked());
        let nodes = [x.node(), weight.node()];
        let parents = tape::parents(&nodes);
        let prepare = Conv.prepare::<C>(nodes).compute_bound().stateful();
        let (x, weight) = (ChannelsLast::new(x.into_primitive()), weight.into_primitive());
        let y = conv::forward(&x, &weight, spec);
        match prepare {
            OpsKind::Tracked(prepare) => {
                let geometry = Geometry::new(x.dims(), &weight, spec);
                let x = weight_is_tracked.then(|| conv::save_input(x, &parents[0], &geometry));
                let weight = x_is_tracked.then_some(weight);
                tape::record(prepare, parents, Kept { x, weight, geometry }, y, None)
            }
            OpsKind::UnTracked(prepare) => prepare.finish(y),
        }
    }

    fn kernel_conv2d_bias(
        x: Tracked<C>,
        weight: Tracked<C>,
        bias: Tracked<C>,
        spec: ConvSpec,
    ) -> Tracked<C> {
        #[derive(Debug)]
        struct AddBias;
        impl Backward<Flex, 2> for AddBias {
            type State = Step<(), 2>;
            fn backward(
                self,
                ops: Ops<Self::State, 2>,
                grads: &mut Gradients,
                _: &mut Checkpointer,
            ) {
                let [y_node, bias_node] = ops.parents;
                let gradient = ChannelsLast::new(grads.consume::<Flex>(&ops.node));
                let Step { parents: [y_parent, _], .. } = ops.state;
                if let Some(node) = bias_node {
                    grads.register::<Flex>(node.id, channels::sums(&gradient));
                }
                if let Some(node) = y_node {
                    register!(grads, node, y_parent, gradient.into_tensor());
                }
            }
        }
        if !(x.is_tracked() || weight.is_tracked() || bias.is_tracked()) {
            let (x, weight) = (ChannelsLast::new(x.into_primitive()), weight.into_primitive());
            let y = conv::with_bias(&x, &weight, &bias.into_primitive(), spec);
            return Tracked::<C>::new(y);
        }
        if weight.is_tracked() {
            conv::forget(&weight.clone().into_primitive());
        }
        let y = Self::kernel_conv2d(x, weight, spec);
        let nodes = [y.node(), bias.node()];
        let parents = tape::parents(&nodes);
        let prepare = AddBias.prepare::<C>(nodes).compute_bound().stateful();
        let y = conv::add_bias(ChannelsLast::new(y.into_primitive()), &bias.into_primitive());
        match prepare {
            OpsKind::Tracked(prepare) => tape::record(prepare, parents, (), y, None),
            OpsKind::UnTracked(prepare) => prepare.finish(y),
        }
    }

    fn kernel_batch_norm_train(
        x: Tracked<C>,
        weight: Tracked<C>,
        bias: Tracked<C>,
        eps: f64,
        activation: Activation,
    ) -> (Tracked<C>, Tracked<C>, Tracked<C>) {
        let nodes = [x.node(), weight.node(), bias.node()];
        let parents = tape::parents(&nodes);
        let x = ChannelsLast::new(x.into_primitive());
        let (weight, bias) = (weight.into_primitive(), bias.into_primitive());
        let (normalisation, mean, variance) = Normalisation::of_batch(&x, &weight, &bias, eps);
        let y = match BatchNorm.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepare) => {
                let y = normalisation.apply(x.clone(), activation);
                let of = Arc::new(Normalised { x, normalisation, activation });
                let kept = BatchNormKept { of: Arc::clone(&of), of_batch: true };
                tape::record(prepare, parents, kept, y, again(&of).as_ref())
            }
            OpsKind::UnTracked(prepare) => prepare.finish(normalisation.apply(x, activation)),
        };
        (y, Tracked::<C>::new(mean), Tracked::<C>::new(variance))
    }

    fn kernel_batch_norm_inference(
        x: Tracked<C>,
        norm: NormConstants<Self>,
        activation: Activation,
    ) -> Tracked<C> {
        let nodes = [x.node(), norm.weight.node(), norm.bias.node()];
        let parents = tape::parents(&nodes);
        let x = ChannelsLast::new(x.into_primitive());
        let normalisation = Normalisation::given(&NormConstants {
            weight: norm.weight.into_primitive(),
            bias: norm.bias.into_primitive(),
            mean: norm.mean.into_primitive(),
            variance: norm.variance.into_primitive(),
            eps: norm.eps,
        });
        match BatchNorm.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepare) => {
                let y = normalisation.apply(x.clone(), activation);
                let of = Arc::new(Normalised { x, normalisation, activation });
                let kept = BatchNormKept { of: Arc::clone(&of), of_batch: false };
                tape::record(prepare, parents, kept, y, again(&of).as_ref())
            }
            OpsKind::UnTracked(prepare) => prepare.finish(normalisation.apply(x, activation)),
        }
    }

    fn kernel_activate(x: Tracked<C>, activation: Activation) -> Tracked<C> {
        #[derive(Debug)]
        struct Activate;
        impl Backward<Flex, 1> for Activate {
            type State = Step<(ChannelsLast, Activation), 1>;
            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                grads: &mut Gradients,
                _: &mut Checkpointer,
            ) {
                let gradient = ChannelsLast::new(grads.consume::<Flex>(&ops.node));
                let Step { kept: (x, activation), parents: [parent], .. } = ops.state;
                if let [Some(node)] = ops.parents {
                    register!(
                        grads,
                        node,
                        parent,
                        elementwise::activate_gradient(&x, gradient, activation)
                    );
                }
            }
        }
        let nodes = [x.node()];
        let parents = tape::parents(&nodes);
        let prepare = Activate.prepare::<C>(nodes).compute_bound().stateful();
        let x = ChannelsLast::new(x.into_primitive());
        match prepare {
            OpsKind::Tracked(prepare) => {
                let y = elementwise::activate(x.clone(), activation);
                tape::record(prepare, parents, (x, activation), y, None)
            }
            OpsKind::UnTracked(prepare) => prepare.finish(elementwise::activate(x, activation)),
        }
    }

    fn kernel_residual_add(a: Tracked<C>, b: Tracked<C>, activation: Activation) -> Tracked<C> {
        #[derive(Debug)]
        struct ResidualAdd;
        impl Backward<Flex, 2> for ResidualAdd {
            /// Keeps the output, unless the activation is the identity.
            type State = Step<Option<(ChannelsLast, Activation)>, 2>;
            fn backward(
                self,
                ops: Ops<Self::State, 2>,
                grads: &mut Gradients,
                _: &mut Checkpointer,
            ) {
                let mut gradient = grads.consume::<Flex>(&ops.node);
                let Step { kept, parents: [a_parent, b_parent], .. } = ops.state;
                if let Some((y, activation)) = kept {
                    gradient =
                        elementwise::residual_gradient(&y, ChannelsLast::new(gradient), activation);
                }
                let [a, b] = ops.parents;
                if let Some(node) = a {
                    register!(grads, node, a_parent, gradient.clone());
                }
                if let Some(node) = b {
                    register!(grads, node, b_parent, gradient);
                }
            }
        }
        let nodes = [a.node(), b.node()];
        let parents = tape::parents(&nodes);
        let prepare = ResidualAdd.prepare::<C>(nodes).compute_bound().stateful();
        let y = Flex::kernel_residual_add(a.into_primitive(), b.into_primitive(), activation);
        match prepare {
            OpsKind::Tracked(prepare) => {
                let is_linear = activation == Activation::Identity;
                let kept = (!is_linear).then(|| (ChannelsLast::new(y.clone()), activation));
                tape::record(prepare, parents, kept, y, None)
            }
            OpsKind::UnTracked(prepare) => prepare.finish(y),
        }
    }

    fn kernel_scale_channels(x: Tracked<C>, factors: Tracked<C>) -> Tracked<C> {
        #[derive(Debug)]
        struct ScaleChannels;
        impl Backward<Flex, 2> for ScaleChannels {
            type State = Step<(Option<ChannelsLast>, ChannelsLast), 2>;
            fn backward(
                self,
                ops: Ops<Self::State, 2>,
                grads: &mut Gradients,
                _: &mut Checkpointer,
            ) {
                let [x_node, factors_node] = ops.parents;
                let gradient = ChannelsLast::new(grads.consume::<Flex>(&ops.node));
                let Step { kept: (x, factors), parents: [x_parent, factors_parent], .. } =
                    ops.state;
                if let (Some(node), Some(x)) = (factors_node, x) {
                    register!(
                        grads,
                        node,
                        factors_parent,
                        elementwise::factors_gradient(&x, &gradient)
                    );
                }
                if let Some(node) = x_node {
                    register!(
                        grads,
                        node,
                        x_parent,
                        elementwise::scale_channels(gradient, &factors)
                    );
                }
            }
        }
        let factors_are_tracked = factors.is_tracked();
        let nodes = [x.node(), factors.node()];
        let parents = tape::parents(&nodes);
        let prepare = ScaleChannels.prepare::<C>(nodes).compute_bound().stateful();
        let x = ChannelsLast::new(x.into_primitive());
        let factors = ChannelsLast::new(factors.into_primitive());
        match prepare {
            OpsKind::Tracked(prepare) => {
                let kept = factors_are_tracked.then(|| x.clone());
                let y = elementwise::scale_channels(x, &factors);
                tape::record(prepare, parents, (kept, factors), y, None)
            }
            OpsKind::UnTracked(prepare) => prepare.finish(elementwise::scale_channels(x, &factors)),
        }
    }

    fn kernel_global_avg_pool(x: Tracked<C>) -> Tracked<C> {
        #[derive(Debug)]
        struct GlobalAvgPool;
        impl Backward<Flex, 1> for GlobalAvgPool {
            type State = Step<Dims, 1>;
            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                grads: &mut Gradients,
                _: &mut Checkpointer,
            ) {
                let gradient = ChannelsLast::new(grads.consume::<Flex>(&ops.node));
                let Step { kept: dims, parents: [parent], .. } = ops.state;
                if let [Some(node)] = ops.parents {
                    let first = first_gradient!(grads, node, parent, ChannelsLast::new);
                    let gradient = pooling::global_avg_pool_gradient(&gradient, dims, first);
                    grads.register::<Flex>(node.id, gradient);
                }
            }
        }
        let nodes = [x.node()];
        let parents = tape::parents(&nodes);
        let prepare = GlobalAvgPool.prepare::<C>(nodes).compute_bound().stateful();
        let x = ChannelsLast::new(x.into_primitive());
        let y = pooling::global_avg_pool(&x);
        match prepare {
            OpsKind::Tracked(prepare) => tape::record(prepare, parents, x.dims(), y, None),
            OpsKind::UnTracked(prepare) => prepare.finish(y),
        }
    }

    fn kernel_avg_pool2d(x: Tracked<C>, side: usize) -> Tracked<C> {
        #[derive(Debug)]
        struct AvgPool;
        impl Backward<Flex, 1> for AvgPool {
            type State = Step<(Dims, usize), 1>;
            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                grads: &mut Gradients,
                _: &mut Checkpointer,
            ) {
                let gradient = ChannelsLast::new(grads.consume::<Flex>(&ops.node));
                let Step { kept: (dims, side), parents: [parent], .. } = ops.state;
                if let [Some(node)] = ops.parents {
                    register!(
                        grads,
                        node,
                        parent,
                        pooling::avg_pool_gradient(&gradient, dims, side)
                    );
                }
            }
        }
        let nodes = [x.node()];
        let parents = tape::parents(&nodes);
        let prepare = AvgPool.prepare::<C>(nodes).compute_bound().stateful();
        let x = ChannelsLast::new(x.into_primitive());
        let y = pooling::avg_pool(&x, side);
        match prepare {
            OpsKind::Tracked(prepare) => tape::record(prepare, parents, (x.dims(), side), y, None),
            OpsKind::UnTracked(prepare) => prepare.finish(y),
        }
    }

    fn kernel_max_pool2d(
        x: Tracked<C>,
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> Tracked<C> {
        #[derive(Debug)]
        struct MaxPool;
        impl Backward<Flex, 1> for MaxPool {
            type State = Step<(SavedInput, ChannelsLast, Window), 1>;
            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                grads: &mut Gradients,
                _: &mut Checkpointer,
            ) {
                let gradient = ChannelsLast::new(grads.consume::<Flex>(&ops.node));
                let Step { kept: (x, y, window), parents: [parent], .. } = ops.state;
                if let [Some(node)] = ops.parents {
                    register!(
                        grads,
                        node,
                        parent,
                        pooling::max_pool_gradient(&x, &y, &gradient, window)
                    );
                }
            }
        }
        let window = Window { kernel, stride, padding };
        let nodes = [x.node()];
        let parents = tape::parents(&nodes);
        let prepare = MaxPool.prepare::<C>(nodes).compute_bound().stateful();
        let x = ChannelsLast::new(x.into_primitive());
        let y = pooling::max_pool(&x, window);
        match prepare {
            OpsKind::Tracked(prepare) => {
                let kept = (SavedInput::new(x, &parents[0]), ChannelsLast::new(y.clone()), window);
                tape::record(prepare, parents, kept, y, None)
            }
            OpsKind::UnTracked(prepare) => prepare.finish(y),
        }
    }
}

/// The normalisation as what computes its output again, if that is cheap.
fn again(of: &Arc<Normalised>) -> Option<Arc<dyn Recompute>> {
    of.is_cheap().then(|| Arc::clone(of) as _)
}

/// Backward pass of both normalisations.
#[derive(Debug)]
struct BatchNorm;

#[derive(Clone, Debug)]
struct BatchNormKept {
    of: Arc<Normalised>,
    /// Whether the statistics are those of the batch `x`.
    of_batch: bool,
}

impl Backward<Flex, 3> for BatchNorm {
    type State = Step<BatchNormKept, 3>;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [x_node, weight_node, bias_node] = ops.parents;
        let gradient = ChannelsLast::new(grads.consume::<Flex>(&ops.node));
        let Step { kept: BatchNormKept { of, of_batch }, parents: [x_parent, ..], .. } = ops.state;
        let Normalised { x, normalisation, activation } = &*of;
        let wants_sums = of_batch || weight_node.is_some() || bias_node.is_some();
        let sums = wants_sums.then(|| normalisation.sums(x, &gradient, *activation));
        if let Some(sums) = &sums {
            let as_tensor =
                |sum: &[f64]| nhwc::vector(&sum.iter().map(|&x| x as f32).collect::<Vec<_>>());
            if let Some(node) = weight_node {
                grads.register::<Flex>(node.id, as_tensor(&sums.weight));
            }
            if let Some(node) = bias_node {
                grads.register::<Flex>(node.id, as_tensor(&sums.bias));
            }
        }
        if let Some(node) = x_node {
            let gradient = match sums.filter(|_| of_batch) {
                Some(sums) => {
                    normalisation.input_gradient_of_batch(x, gradient, &sums, *activation)
                }
                None => normalisation.input_gradient(x, gradient, *activation),
            };
            register!(grads, node, x_parent, gradient);
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;

    use super::*;
    use crate::types::Padding;

    type Tape = Autodiff<Flex>;

    /// A small residual block. Returns its result and the ids of all nodes between.
    fn block() -> (FloatTensor<Tape>, [u64; 3]) {
        let leaf = |shape: [usize; 4]| {
            let values: Vec<f32> =
                (0..shape.iter().product()).map(|i| (i % 5) as f32 - 2.0).collect();
            let tensor = FlexTensor::from_data(TensorData::new(values, shape));
            FloatTensor::<Tape>::new(tensor).require_grad()
        };
        let vector = |value: f32| FloatTensor::<Tape>::new(nhwc::vector(&[value; 4]));
        let spec = ConvSpec { stride: 1, padding: Padding::Sides(0), dilation: 1, groups: 1 };
        let x = Tape::kernel_conv2d(leaf([2, 4, 3, 3]), leaf([4, 4, 1, 1]), spec);
        let (y, ..) = Tape::kernel_batch_norm_train(
            x.clone(),
            vector(1.0),
            vector(0.5),
            1e-5,
            Activation::Relu,
        );
        let branch = Tape::kernel_conv2d(y.clone(), leaf([4, 4, 1, 1]), spec);
        let ids = [&x, &y, &branch].map(|tensor| tensor.id().value);
        (Tape::kernel_residual_add(branch, y, Activation::Relu), ids)
    }

    #[test]
    fn outputs_are_known_for_as_long_as_their_steps_exist() {
        let (y, ids) = block();
        assert!(ids.iter().all(|&id| tape::is_known(id)));
        y.backward();
        assert!(!ids.iter().any(|&id| tape::is_known(id)));

        // Burn frees a graph that is no longer in use during later backward passes, layer by layer.
        let (y, abandoned) = block();
        drop(y);
        (0..10).for_each(|_| drop(block().0.backward()));
        assert!(!abandoned.iter().any(|&id| tape::is_known(id)));
    }
}

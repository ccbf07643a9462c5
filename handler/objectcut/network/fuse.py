"""From a trained block of convolutions to the same function with less work.

Owns the rewriting: batch norm is folded into the convolution before it, and the activation and the addition after a
convolution are computed while its result is still in the cache. Everything is stored channels last.
"""

from __future__ import annotations

import copy
import operator

import torch
from torch import Tensor, fx, nn
from torch.nn import functional
from torchvision.ops.misc import FrozenBatchNorm2d

from objectcut.network.torchprivate import Bounds, onednn_convolution

_ADDITIONS = (operator.add, operator.iadd, torch.add)


class Convolution(nn.Module):
    """A 2-D convolution with what follows it: `clamp(conv(x) + bias + other)`.

    Args:
        source: the convolution, in fp32.
        dtype: of weights, input and result.
    """

    def __init__(self, source: nn.Conv2d, dtype: torch.dtype) -> None:
        super().__init__()
        assert isinstance(source.padding, tuple), "padding by name is not supported"
        self.shape = list(source.padding), list(source.stride), list(source.dilation), source.groups
        bias = torch.zeros(source.out_channels) if source.bias is None else source.bias.detach()
        weight = source.weight.detach().to(dtype).contiguous(memory_format=torch.channels_last)
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.bias = nn.Parameter(bias.to(dtype), requires_grad=False)
        self.bounds: Bounds | None = None

    def clamp(self, lowest: float, highest: float | None) -> None:
        """Limit the result to this range, as ReLU and ReLU6 do; None is no limit."""
        self.bounds = lowest, highest

    def forward(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        """(B, C, H, W) to (B, C', H', W'), channels last; `other` has the result's shape."""
        convolve = onednn_convolution(x.dtype) if x.is_cpu and x.dtype != torch.float16 else None
        if convolve is not None:
            return convolve(x, (self.weight, self.bias, *self.shape), other, self.bounds)
        padding, stride, dilation, groups = self.shape
        y = functional.conv2d(x, self.weight, self.bias, stride, padding, dilation, groups)
        if other is not None:
            y += other
        return y if self.bounds is None else y.clamp_(*self.bounds)


class _Tracer(fx.Tracer):
    def is_leaf_module(self, module: nn.Module, qualified_name: str) -> bool:
        return isinstance(module, FrozenBatchNorm2d) or super().is_leaf_module(module, qualified_name)


def fuse(block: nn.Module, dtype: torch.dtype, device: torch.device) -> nn.Module:
    """Return a block that computes what this one does in evaluation mode, in another precision.

    What is not a convolution, or is used in a way that is not known here, is left as it is.

    Args:
        block: traceable by torch.fx, in evaluation mode, fp32. It is not changed.
        dtype: of the result's weights, inputs and outputs.
        device: where it shall run.
    """
    graph = _Tracer().trace(block)
    graph_module = fx.GraphModule(block, graph)
    modules: dict[fx.Node, Convolution] = {}
    for node in list(graph.nodes):
        source = _module(graph_module, node)
        if isinstance(source, nn.Conv2d):
            norm = _only_user(node)
            norm_module = _module(graph_module, norm)
            if norm is not None and isinstance(norm_module, nn.BatchNorm2d | FrozenBatchNorm2d):
                source = _fold(source, norm_module)
                norm.replace_all_uses_with(node)
                graph.erase_node(norm)
            modules[node] = Convolution(source, dtype)
    for node in list(graph.nodes):
        if node.op == "call_function" and node.target in _ADDITIONS:
            _absorb_addition(graph, node, modules)
    for node, convolution in modules.items():
        user = _only_user(node)
        bounds = None if user is None else _bounds(user, _module(graph_module, user))
        if user is not None and bounds is not None:
            convolution.clamp(*bounds)
            user.replace_all_uses_with(node)
            graph.erase_node(user)
    for number, (node, convolution) in enumerate(modules.items()):
        graph_module.add_module(f"convolution_{number}", convolution)
        node.target = f"convolution_{number}"
    graph_module.delete_all_unused_submodules()
    graph_module.recompile()
    return graph_module.to(device)


def _absorb_addition(graph: fx.Graph, addition: fx.Node, modules: dict[fx.Node, Convolution]) -> None:
    """Let the later of the two summands, if it is a convolution that nobody else reads, add the other one."""
    order = {node: place for place, node in enumerate(graph.nodes)}
    summands = [argument for argument in addition.args if isinstance(argument, fx.Node)]
    if len(summands) != 2 or addition.kwargs or summands[0] is summands[1]:
        return
    other, last = sorted(summands, key=order.__getitem__)
    if last in modules and _only_user(last) is addition and len(last.args) == 1:
        last.args = (*last.args, other)
        addition.replace_all_uses_with(last)
        graph.erase_node(addition)


def _fold(convolution: nn.Conv2d, norm: nn.BatchNorm2d | FrozenBatchNorm2d) -> nn.Conv2d:
    """Return the convolution whose result is already normalised (Jacob et al. 2018, arXiv:1712.05877, section 3.2)."""
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None
    assert variance is not None
    scale = norm.weight * torch.rsqrt(variance + norm.eps)
    bias = torch.zeros_like(mean) if convolution.bias is None else convolution.bias
    folded = copy.deepcopy(convolution)
    folded.weight = nn.Parameter((convolution.weight * scale[:, None, None, None]).detach())
    folded.bias = nn.Parameter(((bias - mean) * scale + norm.bias).detach())
    return folded


def _bounds(node: fx.Node, module: nn.Module | None) -> Bounds | None:
    """Return the range that an activation limits its input to; None for any other node."""
    if isinstance(module, nn.ReLU) or (node.op == "call_function" and node.target in (torch.relu, functional.relu)):
        return 0.0, None
    if isinstance(module, nn.Hardtanh):  # ReLU6 is one
        return module.min_val, module.max_val
    return None


def _module(graph_module: fx.GraphModule, node: fx.Node | None) -> nn.Module | None:
    if node is None or node.op != "call_module":
        return None
    return graph_module.get_submodule(str(node.target))


def _only_user(node: fx.Node) -> fx.Node | None:
    return next(iter(node.users)) if len(node.users) == 1 else None

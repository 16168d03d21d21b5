"""Array shapes for signatures: jaxtyping where it checks, plain array types where it would cost.

Write `Float32[np.ndarray, "images embed_dim"]`. In tests pytest's jaxtyping plug-in has loaded
jaxtyping and the shapes are checked at each call; at run time the names below are stand-ins that
return the array type, because importing jaxtyping would add 0.1 s to every start.
"""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or "jaxtyping" in sys.modules:
    from jaxtyping import Bool, Float, Float32, Int64, UInt8
else:

    class _Unchecked:
        def __class_getitem__(cls, item: tuple[Any, str]) -> Any:
            return item[0]

    Bool = Float = Float32 = Int64 = UInt8 = _Unchecked

__all__ = ["Bool", "Float", "Float32", "Int64", "UInt8"]

"""Small .npy files of each kind that the tests read."""
import numpy as np

for name, dtype in [("f8", "<f8"), ("f4", "<f4"), ("i8", "<i8"), ("i4", "<i4"), ("u1", "u1"), ("b1", "?")]:
    np.save(f"{name}.npy", (np.arange(6).reshape(2, 3) % 5).astype(dtype))
np.save("scalar.npy", np.float64(2.5))
np.save("vector.npy", np.array([1.5, -2.0, 0.25], "<f4"))
np.save("empty.npy", np.zeros((0, 27), "<f4"))
np.save("text.npy", np.array("naïve 🤖"))
np.save("half.npy", np.array([1, 2], "<f2"))
np.save("columns.npy", np.asfortranarray(np.arange(6, dtype="<f4").reshape(2, 3)))
np.save("big.npy", np.array([1, 2], ">f4"))
np.save("structure.npy", np.zeros(2, [("a", "<f4"), ("b", "<i4")]))
np.save("object.npy", np.array([1, None], object), allow_pickle=True)
np.save("date.npy", np.array(["2026-01-01"], "datetime64[D]"))
for version in (2, 3):
    with open(f"version{version}.npy", "wb") as f:
        np.lib.format.write_array(f, np.array([1.5, -2.0], "<f4"), version=(version, 0))

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { depth, mayLeave } from "../src/tide.js";

describe("depth", () => {
  it("is lowest at hour 0 and at hour 12", () => {
    assert.equal(depth(0, 6, 1), 1);
    assert.equal(depth(12, 6, 1), 1);
  });

  it("is half way at hour 3", () => {
    assert.equal(depth(3, 6, 1), 4);
  });

  it("falls as it rose", () => {
    assert.equal(depth(8, 6, 1), depth(4, 6, 1));
  });
});

describe("mayLeave", () => {
  it("wants a hand's breadth to spare", () => {
    assert.equal(mayLeave(6, 3, 1, 3.9), true);
    assert.equal(mayLeave(6, 3, 1, 3.95), false);
  });
});

import { describe, expect, it } from "vitest";
import { pageAddress } from "../../src/status/pageAddress";

describe("pageAddress", () => {
    it("takes a page of this machine", () => {
        const url = "http://127.0.0.1:4711/dashboard#token=00ff";
        expect(pageAddress({ url })).toBe(url);
    });

    it("refuses every other address", () => {
        for (const url of [undefined, "", 3, "http://example.com/dashboard#token=00", "https://127.0.0.1:1/dashboard#token=00", "http://127.0.0.1:1@evil/dashboard#token=00", "file:///etc/passwd", "command:azr.session.stop", "http://127.0.0.1:1/dashboard#token=0\nx"]) {
            expect(() => pageAddress({ url }), String(url)).toThrow(/another version/);
        }
        expect(() => pageAddress(null)).toThrow();
    });
});

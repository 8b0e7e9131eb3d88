// Elements without markup: all text goes through text nodes.

export interface Api {
    postMessage(message: unknown): void;
}

declare function acquireVsCodeApi(): Api;

export const api: Api = acquireVsCodeApi();

export function byId<E extends HTMLElement>(id: string, kind: new () => E): E {
    const found = document.getElementById(id);
    if (!(found instanceof kind)) throw new Error(`the page has no ${id}`);
    return found;
}

type Content = Node | string | undefined;

export function element<K extends keyof HTMLElementTagNameMap>(
    tag: K,
    attributes: Readonly<Record<string, string>> = {},
    ...content: Content[]
): HTMLElementTagNameMap[K] {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...content.filter((each) => each !== undefined));
    return made;
}

export function button(label: string, work: () => void, attributes: Readonly<Record<string, string>> = {}): HTMLButtonElement {
    const made = element("button", { type: "button", ...attributes }, label);
    made.addEventListener("click", work);
    return made;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg<K extends keyof SVGElementTagNameMap>(
    tag: K,
    attributes: Readonly<Record<string, string | number>>,
    ...content: (Node | string)[]
): SVGElementTagNameMap[K] {
    const made = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
    made.append(...content);
    return made;
}

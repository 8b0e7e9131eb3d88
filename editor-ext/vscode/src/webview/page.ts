// The page of a web view: nothing but one script and one style sheet of the extension may load.

export interface PageParts {
    readonly title: string;
    readonly body: string;
    readonly script: string;
    readonly style: string;
    readonly source: string;
    readonly nonce: string;
}

export function page({ title, body, script, style, source, nonce }: PageParts): string {
    const policy = `default-src 'none'; style-src ${source}; script-src 'nonce-${nonce}'; base-uri 'none'; form-action 'none'`;
    return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="stylesheet" href="${style}">
</head>
<body>
${body}
<script nonce="${nonce}" src="${script}"></script>
</body>
</html>`;
}

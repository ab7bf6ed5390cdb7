MathJax.Hub.Config({
    displayAlign: "left",
    displayIndent: "2em",
    showProcessingMessages: false,
    messageStyle: "none",
    SVG: {scale: 92, linebreaks: {automatic: true, width: "container"}}
});

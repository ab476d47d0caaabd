import "./style.css"; document.title = "y";
